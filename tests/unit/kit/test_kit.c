#include "check.h"
#include "host.h"
#include "kit/csv.h"
#include "kit/text.h"
#include "kit/yaml.h"

static struct test_host host;

static int setup(void **state)
{
	(void)state;
	test_host_open(&host, 64 << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	test_host_close(&host);
	return 0;
}

static struct provider_str text(const char *literal)
{
	return kit_str(literal);
}

#define assert_field(csv, column, expected)                                                                                      \
	assert_str(((struct cp_str){kit_csv_field(csv, column).ptr, kit_csv_field(csv, column).len}), expected)

/* ---- CSV */

static struct kit_csv *open_csv(const char *content, const struct kit_csv_options *options)
{
	struct kit_csv *csv = NULL;
	struct kit_error error = {0};
	if (kit_csv_open(&host.call, text(content), options, &csv, &error) != 0)
		fail_msg("line %u: %s", error.line, error.text);
	return csv;
}

static void csv_reads_rfc_4180(void **state)
{
	(void)state;
	struct kit_error error;
	struct kit_csv *csv = open_csv("\xEF\xBB\xBFname,note,n\r\n"
	                               "plain,\"with, comma\",1\r\n"
	                               "\"two\nlines\",\"a \"\"word\"\"\",2\n"
	                               "\n"
	                               ",\"\",3",
	                               NULL);
	assert_int_equal(kit_csv_column(csv, "name"), 0);
	assert_int_equal(kit_csv_column(csv, "n"), 2);
	assert_int_equal(kit_csv_column(csv, "other"), -1);
	assert_int_equal(kit_csv_next(csv, &error), 1);
	assert_int_equal(kit_csv_line(csv), 2);
	assert_field(csv, 1, "with, comma");
	assert_int_equal(kit_csv_next(csv, &error), 1);
	assert_int_equal(kit_csv_line(csv), 3);
	assert_field(csv, 0, "two\nlines");
	assert_field(csv, 1, "a \"word\"");
	assert_int_equal(kit_csv_next(csv, &error), 1);
	assert_int_equal(kit_csv_line(csv), 6);
	assert_field(csv, 0, "");
	assert_field(csv, 1, "");
	assert_field(csv, 2, "3");
	assert_null(kit_csv_field(csv, -1).ptr);
	assert_null(kit_csv_field(csv, 3).ptr);
	assert_int_equal(kit_csv_next(csv, &error), 0);
}

static void csv_reads_windows_1252_and_repeated_columns(void **state)
{
	(void)state;
	struct kit_error error;
	struct kit_csv_options options = {
	    .size = sizeof(options), .windows_1252 = true, .repeated_columns = true, .separator = ';'};
	struct kit_csv *csv = open_csv("nom;fax;fax\nMontr\xE9"
	                               "al \x97 \x80;1;2\n",
	                               &options);
	assert_int_equal(kit_csv_next(csv, &error), 1);
	assert_field(csv, 0, "Montréal — €");
	assert_int_equal(kit_csv_column(csv, "fax"), 1);
}

/* Opens and reads to the end; the refusal's line is returned and its text checked. */
static uint32_t csv_refused(struct provider_str content, const struct kit_csv_options *options, const char *reason)
{
	struct kit_csv *csv;
	struct kit_error error = {0};
	int rc = kit_csv_open(&host.call, content, options, &csv, &error);
	if (rc == 0)
		while ((rc = kit_csv_next(csv, &error)) == 1)
			;
	assert_true(rc < 0);
	if (strstr(error.text, reason) == NULL)
		fail_msg("\"%s\" where \"%s\" is expected", error.text, reason);
	return error.line;
}

static void csv_refuses_with_the_line(void **state)
{
	(void)state;
	struct kit_csv_options small = {.size = sizeof(small), .max_field = 8, .max_columns = 3},
	                       cp1252 = {.size = sizeof(cp1252), .windows_1252 = true};
	assert_int_equal(csv_refused(text(""), NULL, "empty"), 1);
	assert_int_equal(csv_refused(text("a,b\n1,2\n3\n"), NULL, "1 fields, the header has 2"), 3);
	assert_int_equal(csv_refused(text("a,b\n1,2,3\n"), NULL, "3 fields, the header has 2"), 2);
	assert_int_equal(csv_refused(text("a,b\n1,\"2\n3,4\n5,6\n"), NULL, "not closed"), 2);
	assert_int_equal(csv_refused(text("a,b\n1,\"2\"x\n"), NULL, "behind the closing quote"), 2);
	assert_int_equal(csv_refused(text("a,b\n1,2\"3\n"), NULL, "quote inside a field"), 2);
	assert_int_equal(csv_refused(text("a,b\n1,2\r3\n"), NULL, "carriage return"), 2);
	assert_int_equal(csv_refused(text("a,b,a\n"), NULL, "two columns are called \"a\""), 1);
	assert_int_equal(csv_refused((struct provider_str){"a,b\n1,\0\n", 8}, NULL, "NUL"), 2);
	assert_int_equal(csv_refused(text("a,b\n1,\xC3(\n"), NULL, "byte 0xC3 is not UTF-8"), 2);
	assert_int_equal(csv_refused(text("a,b\n1,\xED\xA0\x80\n"), NULL, "not UTF-8"), 2); /* a surrogate */
	assert_int_equal(csv_refused(text("a,b\n1,\xC0\x80\n"), NULL, "not UTF-8"), 2);     /* an overlong NUL */
	assert_int_equal(csv_refused(text("a\n\x81\n"), &cp1252, "0x81 is not in code page 1252"), 2);
	assert_int_equal(csv_refused(text("a,b\n1,123456789\n"), &small, "more than 8 bytes"), 2);
	assert_int_equal(csv_refused(text("a,b\n1,\"123456789012345678\"\n"), &small, "more than 8 bytes"), 2);
	assert_int_equal(csv_refused(text("a,b,c,d\n"), &small, "more than 3 fields"), 1);
}

static void csv_stops_when_memory_or_time_is_used_up(void **state)
{
	(void)state;
	struct kit_csv *csv;
	struct kit_error error;
	host.left = 100;
	assert_int_equal(kit_csv_open(&host.call, text("a\n1\n"), NULL, &csv, &error), PROVIDER_E_LIMIT);
	host.left = 1 << 20;
	struct cp_buf many = {0};
	cp_buf_add_cstr(&many, "a\n");
	for (int i = 0; i < 3000; ++i)
		cp_buf_add_cstr(&many, "1\n");
	host.expired = true;
	assert_int_equal(kit_csv_open(&host.call, (struct provider_str){many.ptr, many.len}, NULL, &csv, &error), 0);
	int rc, rows = 0;
	while ((rc = kit_csv_next(csv, &error)) == 1)
		++rows;
	assert_int_equal(rc, PROVIDER_E_LIMIT);
	assert_true(rows < 1100);
	cp_buf_free(&many);
}

/* ---- YAML */

static struct kit_yaml *open_yaml(struct provider_str content, const struct kit_yaml_options *options)
{
	struct kit_yaml *yaml = NULL;
	struct kit_error error = {0};
	if (kit_yaml_open(&host.call, content, options, &yaml, &error) != 0)
		fail_msg("line %u: %s", error.line, error.text);
	return yaml;
}

static void yaml_gives_trees_with_lines(void **state)
{
	(void)state;
	struct kit_error error;
	struct kit_yaml_event event;
	const struct kit_yaml_node *node;
	struct kit_yaml *yaml = open_yaml(text("# people\n"
	                                       "- name: Zoë\n"
	                                       "  born: 1970\n"
	                                       "  empty:\n"
	                                       "  quoted: \"null\"\n"
	                                       "  tags: [a, 'b', {c: d}]\n"
	                                       "- name: second\n"),
	                                  NULL);
	assert_int_equal(kit_yaml_next(yaml, &event, &error), 0);
	assert_int_equal(event.type, KIT_YAML_SEQUENCE);
	assert_int_equal(kit_yaml_read(yaml, &node, &error), 0);
	assert_int_equal(node->type, KIT_YAML_MAPPING);
	assert_int_equal(node->line, 2);
	assert_int_equal(node->count, 5);
	assert_true(kit_str_is(kit_yaml_text_of(node, "name"), "Zoë"));
	assert_null(kit_yaml_text_of(node, "empty").ptr);
	assert_null(kit_yaml_text_of(node, "missing").ptr);
	assert_true(kit_str_is(kit_yaml_text_of(node, "quoted"), "null"));
	const struct kit_yaml_node *tags = kit_yaml_get(node, "tags");
	assert_int_equal(tags->count, 3);
	assert_int_equal(tags->line, 6);
	assert_int_equal(tags->weight, 5);
	assert_true(kit_str_is(kit_yaml_text_of(tags->values[2], "c"), "d"));
	assert_null(kit_yaml_get(tags, "c"));
	assert_null(kit_yaml_get(NULL, "c"));
	double number;
	assert_true(kit_yaml_number(kit_yaml_get(node, "born"), &number) && number == 1970);
	assert_false(kit_yaml_number(kit_yaml_get(node, "name"), &number));
	assert_false(kit_yaml_number(kit_yaml_get(node, "quoted"), &number));
	assert_int_equal(kit_yaml_read(yaml, &node, &error), 0);
	assert_int_equal(node->line, 7);
	assert_int_equal(kit_yaml_read(yaml, &node, &error), 0);
	assert_null(node);
	assert_int_equal(kit_yaml_next(yaml, &event, &error), 0);
	assert_int_equal(event.type, KIT_YAML_END);
	assert_int_equal(kit_yaml_next(yaml, &event, &error), 0); /* and stays there */
	assert_int_equal(event.type, KIT_YAML_END);
	kit_yaml_close(yaml);
}

static uint32_t yaml_refused(struct provider_str content, const struct kit_yaml_options *options, const char *reason)
{
	struct kit_yaml *yaml = NULL;
	struct kit_error error = {0};
	const struct kit_yaml_node *node = NULL;
	int rc = kit_yaml_open(&host.call, content, options, &yaml, &error);
	if (rc == 0)
		do
			rc = kit_yaml_read(yaml, &node, &error);
		while (rc == 0 && node != NULL);
	if (rc == 0)
		fail_msg("\"%.*s\" is taken, where \"%s\" is expected", (int)(content.len > 40 ? 40 : content.len), content.ptr,
		         reason);
	if (strstr(error.text, reason) == NULL)
		fail_msg("\"%s\" where \"%s\" is expected", error.text, reason);
	kit_yaml_close(yaml);
	return error.line;
}

static void yaml_refuses_with_the_line(void **state)
{
	(void)state;
	struct kit_yaml_options small = {.size = sizeof(small), .max_scalar = 8, .max_values = 20, .max_depth = 4};
	assert_int_equal(yaml_refused(text("a: 1\nb: [1, 2\n"), NULL, "not well-formed YAML"), 3);
	assert_int_equal(yaml_refused(text("a: 1\nb: \"cut"), NULL, "not well-formed YAML"), 2);
	assert_int_equal(yaml_refused(text("a: 1\nb: 2\na: 3\n"), NULL, "the key \"a\" stands twice"), 3);
	assert_int_equal(yaml_refused(text("? [a, b]\n: 1\n"), NULL, "a key is not plain text"), 1);
	assert_int_equal(yaml_refused(text("a: 1\n---\nb: 2\n"), NULL, "a second document"), 2);
	assert_int_equal(yaml_refused(text("a: &x 1\nb: *x\n"), NULL, "may not use aliases"), 2);
	assert_int_equal(yaml_refused((struct provider_str){"a: 1\nb: \0\n", 10}, NULL, "NUL"), 2);
	assert_int_equal(yaml_refused(text("a: 1\nb: \"\\0\"\n"), NULL, "NUL"), 2);
	assert_int_equal(yaml_refused(text("a: 1\nb: \xFF\n"), NULL, "byte 0xFF is not UTF-8"), 2);
	assert_int_equal(yaml_refused((struct provider_str){"\xFE\xFF\0a", 4}, NULL, "not UTF-8"), 1); /* UTF-16 */
	assert_int_equal(yaml_refused(text("a: 1\nb: 123456789\n"), &small, "more than 8 bytes"), 2);
	assert_int_equal(yaml_refused(text("- [[[1]]]\n- [[[[1]]]]\n"), &small, "more than 4 deep"), 2);
	assert_int_equal(
	    yaml_refused(text("[1,2,3,4,5,6,7,8,9,10,\n11,12,13,14,15,16,17,18,19,20,21]"), &small, "more than 20 values"), 2);
}

static void yaml_refuses_deep_nesting_of_any_length(void **state)
{
	(void)state;
	size_t size = 1 << 20;
	char *deep = test_malloc(size);
	memset(deep, '[', size);
	struct kit_yaml_options greedy = {.size = sizeof(greedy), .max_depth = 1 << 30};
	yaml_refused((struct provider_str){deep, size}, NULL, "more than 32 deep");
	yaml_refused((struct provider_str){deep, size}, &greedy, "more than 256 deep");
	test_free(deep);
}

static void yaml_counts_aliases_as_what_they_stand_for(void **state)
{
	(void)state;
	struct kit_yaml_options options = {.size = sizeof(options), .aliases = true, .max_values = 100000};
	struct kit_error error;
	const struct kit_yaml_node *node;
	struct kit_yaml *yaml = open_yaml(text("base: &b {x: 1, y: 2}\none: *b\ntwo: *b\n"), &options);
	assert_int_equal(kit_yaml_read(yaml, &node, &error), 0);
	assert_true(kit_str_is(kit_yaml_text_of(kit_yaml_get(node, "two"), "y"), "2"));
	assert_int_equal(node->weight, 1 + 3 * 3);
	kit_yaml_close(yaml);
	/* A bomb: each line ten times the one before it, 10^9 values in all. */
	struct cp_buf bomb = {0};
	cp_buf_add_cstr(&bomb, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
	for (int i = 1; i < 9; ++i)
		cp_buf_printf(&bomb, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i - 1, i - 1, i - 1,
		              i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	assert_int_equal(yaml_refused((struct provider_str){bomb.ptr, bomb.len}, &options, "more than 100000 values"), 5);
	cp_buf_free(&bomb);
	assert_int_equal(yaml_refused(text("a: &a [*a]\n"), &options, "no complete value before it"), 1);
	assert_int_equal(yaml_refused(text("a: *nobody\n"), &options, "no complete value before it"), 1);
}

static void yaml_leaks_nothing_when_memory_is_used_up(void **state)
{
	(void)state;
	static const char content[] = "- {a: [1, 2, 3], b: {c: d}}\n- {a: [1, 2, 3], b: {c: d}}\n";
	for (size_t memory = 0; memory < 4096; memory += 16) {
		struct test_host poor;
		test_host_open(&poor, memory);
		struct kit_yaml *yaml = NULL;
		struct kit_error error;
		struct kit_yaml_event event;
		const struct kit_yaml_node *node = NULL;
		int rc = kit_yaml_open(&poor.call, text(content), NULL, &yaml, &error);
		if (rc == 0)
			rc = kit_yaml_next(yaml, &event, &error);
		while (rc == 0 && (rc = kit_yaml_read(yaml, &node, &error)) == 0 && node != NULL)
			;
		assert_true(rc == 0 || rc == PROVIDER_E_LIMIT);
		kit_yaml_close(yaml);
		test_host_close(&poor);
	}
}

/* ---- text */

static void maps_find_what_was_added(void **state)
{
	(void)state;
	struct kit_map *map = kit_map_new(&host.call);
	for (uint32_t i = 0; i < 5000; ++i)
		assert_int_equal(kit_map_add(map, kit_printf(&host.call, "key %u", i), i), 1);
	assert_int_equal(kit_map_add(map, text("key 17"), 99), 0);
	for (uint32_t i = 0; i < 5000; ++i)
		assert_int_equal(kit_map_get(map, kit_printf(&host.call, "key %u", i)), i);
	assert_int_equal(kit_map_get(map, text("key 5000")), UINT32_MAX);
	assert_int_equal(kit_map_add(map, (struct provider_str){NULL, 0}, 7), 1);
	assert_int_equal(kit_map_get(map, text("")), 7);
}

static void numbers_are_digits_only(void **state)
{
	(void)state;
	uint32_t value = 7;
	assert_true(kit_str_number(text("0042"), 99, &value) && value == 42);
	const char *const bad[] = {"", "-1", "1x", " 1", "100", "99999999999"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); ++i)
		assert_false(kit_str_number(text(bad[i]), 99, &value));
	assert_true(kit_str_is(kit_str_lower(&host.call, text("ÄBC-d")), "Äbc-d"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(csv_reads_rfc_4180, setup, teardown),
	    cmocka_unit_test_setup_teardown(csv_reads_windows_1252_and_repeated_columns, setup, teardown),
	    cmocka_unit_test_setup_teardown(csv_refuses_with_the_line, setup, teardown),
	    cmocka_unit_test_setup_teardown(csv_stops_when_memory_or_time_is_used_up, setup, teardown),
	    cmocka_unit_test_setup_teardown(yaml_gives_trees_with_lines, setup, teardown),
	    cmocka_unit_test_setup_teardown(yaml_refuses_with_the_line, setup, teardown),
	    cmocka_unit_test_setup_teardown(yaml_refuses_deep_nesting_of_any_length, setup, teardown),
	    cmocka_unit_test_setup_teardown(yaml_counts_aliases_as_what_they_stand_for, setup, teardown),
	    cmocka_unit_test_setup_teardown(yaml_leaks_nothing_when_memory_is_used_up, setup, teardown),
	    cmocka_unit_test_setup_teardown(maps_find_what_was_added, setup, teardown),
	    cmocka_unit_test_setup_teardown(numbers_are_digits_only, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
