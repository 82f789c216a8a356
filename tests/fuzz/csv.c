/* CSV of strangers: each row that is given has as many fields as the header, lines go up, and fields are text. The first byte of
 * an input picks the options. */
#include "kit/csv.h"
#include "provider_host.h"

static void read_fields(const struct kit_csv *csv)
{
	volatile char last = 0;
	for (int i = 0; kit_csv_field(csv, i).ptr != NULL; ++i) {
		struct provider_str field = kit_csv_field(csv, i);
		MUST_HOLD(field.len <= 64 && memchr(field.ptr, 0, field.len) == NULL);
		for (size_t k = 0; k < field.len; ++k)
			last = field.ptr[k];
	}
	(void)last;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	memory_used = 0;
	if (size == 0)
		return 0;
	struct kit_csv_options options = {.size = sizeof(options),
	                                  .windows_1252 = (data[0] & 1) != 0,
	                                  .repeated_columns = (data[0] & 2) != 0,
	                                  .separator = (data[0] & 4) != 0 ? ';' : ',',
	                                  .max_field = 64,
	                                  .max_columns = 16};
	struct kit_csv *csv;
	struct kit_error error = {0};
	char *content = malloc(size); /* of its exact size: one byte too far is seen */
	memcpy(content, data + 1, size - 1);
	int rc = kit_csv_open(&fuzz_call, (struct provider_str){content, size - 1}, &options, &csv, &error);
	uint32_t line = 0;
	while (rc == 0 && (rc = kit_csv_next(csv, &error)) == 1) {
		MUST_HOLD(kit_csv_line(csv) > line);
		line = kit_csv_line(csv);
		read_fields(csv);
		rc = 0;
		if (line > size)
			abort();
	}
	MUST_HOLD(rc == 0 || error.text[0] != '\0');
	free(content);
	return 0;
}
