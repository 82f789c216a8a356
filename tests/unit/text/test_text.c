#include "check.h"

#include "text/form.h"
#include "text/json.h"
#include "text/phone.h"
#include "text/template.h"
#include "text/xml.h"

static int setup(void **state)
{
	*state = cp_arena_new();
	return 0;
}

static int teardown(void **state)
{
	cp_arena_free(*state);
	return 0;
}

static void test_form__decodes_in_order(void **state)
{
	struct cp_form form;
	assert_ok(cp_form_parse(CP_STR("a=1&b=x+y%21&a=2&&c&d=%zz%4"), *state, &form));
	assert_int_equal(form.count, 5);
	assert_str(cp_form_get(&form, "a"), "1");
	assert_str(form.fields[2].value, "2");
	assert_str(cp_form_get(&form, "b"), "x y!");
	assert_str(cp_form_get(&form, "c"), "");
	assert_str(cp_form_get(&form, "d"), "%zz%4");
	assert_null(cp_form_get(&form, "e").ptr);
	assert_ok(cp_form_parse(CP_STR(""), *state, &form));
	assert_int_equal(form.count, 0);
}

static void test_form__refuses_what_is_no_text(void **state)
{
	struct cp_form form;
	assert_int_equal(cp_form_parse(CP_STR("a=%00"), *state, &form), CP_E_INPUT);
	assert_int_equal(cp_form_parse(CP_STR("a=%ff"), *state, &form), CP_E_INPUT);
	struct cp_buf many = {0};
	for (int i = 0; i <= CP_FORM_MAX_FIELDS; ++i)
		cp_form_add(&many, "n", CP_STR("v"));
	assert_int_equal(cp_form_parse(cp_buf_str(&many), *state, &form), CP_E_LIMIT);
	cp_buf_free(&many);
}

static void test_form__encodes_what_it_decodes(void **state)
{
	struct cp_buf buf = {0};
	struct cp_form form;
	cp_form_add(&buf, "To", CP_STR("+14155550123"));
	cp_form_add(&buf, "N", CP_STR("a&b=c d\xc3\xa9~"));
	assert_str(cp_buf_str(&buf), "To=%2B14155550123&N=a%26b%3Dc%20d%C3%A9~");
	assert_ok(cp_form_parse(cp_buf_str(&buf), *state, &form));
	assert_str(cp_form_get(&form, "N"), "a&b=c d\xc3\xa9~");
	cp_buf_free(&buf);
}

static void test_json__refuses_broken_and_deep(void **state)
{
	json_t *json;
	struct cp_buf deep = {0};
	assert_int_equal(cp_json_parse(CP_STR("{\"a\":1"), &json), CP_E_INPUT);
	assert_non_null(strstr(cp_error_message(), "line 1"));
	assert_int_equal(cp_json_parse(CP_STR("{\"a\":1,\"a\":2}"), &json), CP_E_INPUT);
	assert_int_equal(cp_json_parse(CP_STR("{} x"), &json), CP_E_INPUT);
	assert_int_equal(cp_json_parse(CP_STR(""), &json), CP_E_INPUT);
	for (int i = 0; i < 65; ++i)
		cp_buf_add_char(&deep, '[');
	assert_int_equal(cp_json_parse(cp_buf_str(&deep), &json), CP_E_INPUT);
	assert_non_null(strstr(cp_error_message(), "nested"));
	cp_buf_free(&deep);
	assert_ok(cp_json_parse(CP_STR("{\"s\":\"[[\\\"\",\"n\":null}"), &json));
	assert_str(cp_json_str(json, "s"), "[[\"");
	assert_null(cp_json_str(json, "n").ptr);
	assert_str(cp_json_text(json, *state), "{\"s\":\"[[\\\"\",\"n\":null}");
	json_decref(json);
}

static void test_xml__blank(void **state)
{
	(void)state;
	assert_true(cp_xml_is_blank(CP_STR("")));
	assert_true(cp_xml_is_blank(CP_STR(" \t\r\n\x02\xff\xef\xbf\xbf"))); /* white space, and what is left out */
	assert_false(cp_xml_is_blank(CP_STR("\x02.")));
	assert_false(cp_xml_is_blank(CP_STR(" \xc3\xa9")));
}

static void test_xml__escapes_and_drops(void **state)
{
	(void)state;
	struct cp_buf buf = {0};
	struct cp_xml xml;
	cp_xml_start(&xml, &buf);
	cp_xml_open(&xml, "Response");
	cp_xml_open(&xml, "Say");
	cp_xml_attribute(&xml, "voice", CP_STR("a\"<&>'b"));
	cp_xml_attribute_number(&xml, "loop", -2);
	cp_xml_text(&xml, CP_STR("O'Rourke & <b>\x01\xff\xef\xbf\xbf\xc3\xa9\r"));
	cp_xml_close(&xml);
	cp_xml_open(&xml, "Hangup");
	cp_xml_close(&xml);
	cp_xml_close(&xml);
	assert_str(cp_buf_str(&buf), "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Say voice=\"a&quot;&lt;&amp;&gt;'b\" loop=\"-2\">"
	                             "O'Rourke &amp; &lt;b&gt;\xc3\xa9&#13;</Say><Hangup/></Response>");
	cp_buf_free(&buf);
}

static void test_template__variables_and_sections(void **state)
{
	(void)state;
	const struct cp_template_variable variables[] = {{"name", CP_STR("Beto O'Rourke")}, {"many", CP_STR("")}};
	struct cp_buf out = {0};
	cp_template_render(&out, CP_STR("Hi {{ name }}{{#many}}, all of you {{#name}}x{{/name}}{{/many}}{{^many}}!{{/many}} {{other}}."), variables, 2);
	assert_str(cp_buf_str(&out), "Hi Beto O'Rourke! .");
	cp_buf_free(&out);
}

static void test_template__check_says_what_is_wrong(void **state)
{
	(void)state;
	const char *names[] = {"name"};
	assert_ok(cp_template_check(CP_STR("{{name}} {{#name}}{{/name}} }} {"), names, 1));
	assert_int_equal(cp_template_check(CP_STR("{{nmae}}"), names, 1), CP_E_INPUT);
	assert_string_equal(cp_error_message(), "this text cannot use {{nmae}}");
	assert_int_equal(cp_template_check(CP_STR("{{name"), names, 1), CP_E_INPUT);
	assert_int_equal(cp_template_check(CP_STR("{{#name}}"), names, 1), CP_E_INPUT);
	assert_int_equal(cp_template_check(CP_STR("{{/name}}"), names, 1), CP_E_INPUT);
	struct cp_buf deep = {0};
	for (int i = 0; i <= CP_TEMPLATE_MAX_DEPTH; ++i)
		cp_buf_add_cstr(&deep, "{{#name}}");
	assert_int_equal(cp_template_check(cp_buf_str(&deep), names, 1), CP_E_LIMIT);
	cp_buf_free(&deep);
}

static void test_phone__as_people_type_them(void **state)
{
	(void)state;
	static const struct {
		const char *typed, *country, *e164; /* NULL: refused */
	} cases[] = {
		{"(415) 555-0123", "us", "+14155550123"},
		{"1.415.555.0123", "US", "+14155550123"},
		{"+1 415 555 0123", "fr", "+14155550123"},
		{"  4155550123 ", "CA", "+14155550123"},
		{"415\xc2\xa0""555\xc2\xa0""0123", "US", "+14155550123"},
		{"942 555 0123", "US", "+19425550123"}, /* an area code of 2026 */
		{"0113 496 0000", "uk", "+441134960000"},
		{"06 39 98 00 01", "FR", "+33639980001"},
		{"0011 1 415 555 0123", "AU", "+14155550123"},
		{"011 44 113 496 0000", "US", "+441134960000"},
		{"06 1234567", "IT", "+39061234567"},
		{"+99 12345678", "US", "+9912345678"},
		{"555-0123", "US", NULL},
		{"015 555 0123", "US", NULL},
		{"415 155 0123", "US", NULL},
		{"41555501234", "US", NULL},
		{"", "US", NULL},
		{"call me", "US", NULL},
		{"+", "US", NULL},
		{"++14155550123", "US", NULL},
		{"+0123456789", "US", NULL},
		{"+1234567890123456", "US", NULL},
		{"1234567890123456789012345678901234567890", "US", NULL},
		{"12345678", "ZZ", NULL},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
		char e164[CP_PHONE_SIZE] = "untouched";
		int error = cp_phone_parse(cp_str(cases[i].typed), cp_str(cases[i].country), e164);
		if (cases[i].e164 == NULL) {
			if (error != CP_E_INPUT)
				fail_msg("\"%s\" is taken as %s", cases[i].typed, e164);
			assert_string_equal(e164, "untouched");
		} else if (error != 0 || strcmp(e164, cases[i].e164) != 0) {
			fail_msg("\"%s\": %s where %s is expected", cases[i].typed, error == 0 ? e164 : cp_error_message(), cases[i].e164);
		}
	}
	assert_true(cp_phone_in_country(CP_STR("+14155550123"), CP_STR("us")));
	assert_false(cp_phone_in_country(CP_STR("+441134960000"), CP_STR("us")));
	assert_false(cp_phone_in_country(CP_STR("+441134960000"), CP_STR("zz")));
	assert_true(cp_phone_in_country(CP_STR("+14165550123"), CP_STR("us")));
	assert_true(cp_phone_in_country(CP_STR("+17875550123"), CP_STR("us")));
	assert_false(cp_phone_in_country(CP_STR("+12425550123"), CP_STR("us"))); /* the Bahamas */
	assert_false(cp_phone_in_country(CP_STR("+18765550123"), CP_STR("us"))); /* Jamaica */
	assert_false(cp_phone_in_country(CP_STR("+19005550123"), CP_STR("us")));
	assert_true(cp_phone_is_e164(CP_STR("+441134960000")));
	assert_false(cp_phone_is_e164(CP_STR("441134960000")));
	assert_false(cp_phone_is_e164(CP_STR("+44113496000a")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_form__decodes_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_form__refuses_what_is_no_text, setup, teardown),
		cmocka_unit_test_setup_teardown(test_form__encodes_what_it_decodes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_json__refuses_broken_and_deep, setup, teardown),
		cmocka_unit_test(test_xml__blank),
		cmocka_unit_test(test_xml__escapes_and_drops),
		cmocka_unit_test(test_template__variables_and_sections),
		cmocka_unit_test(test_template__check_says_what_is_wrong),
		cmocka_unit_test(test_phone__as_people_type_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
