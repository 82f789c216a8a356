/* Prompt templates of campaigners: whatever they hold, filling them in ends, and what passes the check has no braces left to read out. */
#include "fuzz.h"

#include "text/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"name", "title", "many"};
	const struct cp_template_variable variables[] = {{"name", CP_STR("O'Rourke")}, {"title", CP_STR("Senator")}, {"many", CP_STR("")}};
	struct cp_str text = cp_str_n((const char *)data, size);
	struct cp_buf out = {0};
	int checked = cp_template_check(text, names, 3);
	cp_template_render(&out, text, variables, 3);
	/* each tag is longer than what stands in for it, but for these two */
	MUST_HOLD(checked != 0 || out.len <= size + size / 8 * 8);
	cp_buf_free(&out);
	return 0;
}
