/* The TwiML reader and the table of verbs, with documents that no friend would send. */
#include "check.h"

#include "base/memory.h"
#include "twiml.h"
#include "verbs.h"

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

static int parse(void **state, const char *text, struct cp_twiml_element **ret_root)
{
	return cp_twiml_parse(cp_str(text), *state, ret_root);
}

static void test_reads_a_tree(void **state)
{
	struct cp_twiml_element *root;
	assert_ok(parse(
	    state,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><!-- hello --><Response>\n"
	    "<Gather numDigits=\"1\" action=\"/a?b=1&amp;c=2\"><Say>Press <emphasis>one</emphasis> &lt;now&gt;</Say></Gather>\n"
	    "<Redirect> /next </Redirect></Response>",
	    &root));
	struct cp_twiml_element *gather = root->first_child, *say = gather->first_child;
	assert_true(cp_twiml_is(gather, "Gather"));
	assert_str(cp_twiml_attribute(gather, "action"), "/a?b=1&c=2");
	assert_null(cp_twiml_attribute(gather, "method").ptr);
	assert_str(say->text, "Press one <now>");
	assert_int_equal(gather->line, 2);
	assert_str(gather->next->text, "/next");
	assert_null(gather->next->next);
	assert_ptr_equal(say->parent, gather);
}

static void test_reads_other_alphabets(void **state)
{
	struct cp_twiml_element *root;
	assert_ok(parse(state, "<Response><Say>¿Señor Peña? 電話 &#233;</Say></Response>", &root));
	assert_str(root->first_child->text, "¿Señor Peña? 電話 é");
}

static void test_refuses_entities(void **state)
{
	struct cp_twiml_element *root = NULL;
	assert_int_equal(parse(state,
	                       "<!DOCTYPE r [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c "
	                       "\"&b;&b;&b;&b;&b;&b;\">]>"
	                       "<Response><Say>&c;</Say></Response>",
	                       &root),
	                 CP_E_INPUT);
	assert_non_null(strstr(cp_error_message(), "document type"));
	assert_int_equal(parse(state, "<!DOCTYPE r SYSTEM \"file:///etc/passwd\"><Response/>", &root), CP_E_INPUT);
	assert_int_equal(
	    parse(state, "<!DOCTYPE r [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><Response><Say>&x;</Say></Response>", &root),
	    CP_E_INPUT);
	assert_int_equal(parse(state, "<Response><Say>&undeclared;</Say></Response>", &root), CP_E_INPUT);
	assert_null(root);
}

static void test_limits_depth(void **state)
{
	struct cp_twiml_element *root;
	CP_CLEANUP(cp_buf_free) struct cp_buf text = {0};
	for (int depth = 16; depth <= 17; ++depth) {
		text.len = 0;
		cp_buf_add_cstr(&text, "<Response>");
		for (int i = 1; i < depth; ++i)
			cp_buf_add_cstr(&text, "<p>");
		for (int i = 1; i < depth; ++i)
			cp_buf_add_cstr(&text, "</p>");
		cp_buf_add_cstr(&text, "</Response>");
		assert_int_equal(cp_twiml_parse(cp_buf_str(&text), *state, &root), depth == 16 ? 0 : CP_E_LIMIT);
	}
}

static void test_limits_elements_attributes_and_size(void **state)
{
	struct cp_twiml_element *root;
	CP_CLEANUP(cp_buf_free) struct cp_buf text = {0};
	cp_buf_add_cstr(&text, "<Response>");
	for (int i = 0; i < 1000; ++i)
		cp_buf_add_cstr(&text, "<Pause/>");
	cp_buf_add_cstr(&text, "</Response>");
	assert_int_equal(cp_twiml_parse(cp_buf_str(&text), *state, &root), CP_E_LIMIT);

	text.len = 0;
	cp_buf_add_cstr(&text, "<Response");
	for (int i = 0; i < 33; ++i)
		cp_buf_printf(&text, " a%d=\"\"", i);
	cp_buf_add_cstr(&text, "/>");
	assert_int_equal(cp_twiml_parse(cp_buf_str(&text), *state, &root), CP_E_LIMIT);

	text.len = 0;
	cp_buf_add_cstr(&text, "<Response><Say>");
	while (text.len < CP_TWIML_MAX_SIZE)
		cp_buf_add_cstr(&text, "word ");
	cp_buf_add_cstr(&text, "</Say></Response>");
	assert_int_equal(cp_twiml_parse(cp_buf_str(&text), *state, &root), CP_E_LIMIT);
}

static void test_refuses_what_is_no_document(void **state)
{
	static const char *const documents[] = {
	    "",
	    "   ",
	    "hello",
	    "<Response>",
	    "<Response><Say>truncat",
	    "<Response></Response><Response/>",
	    "<response/>",
	    "<Say>x</Say>",
	    "<Response><Say>a</Response></Say>",
	    "<Response a=\"1\" a=\"2\"/>",
	    "{\"json\":true}",
	    "<Response>\x01</Response>",
	    "<Response><Say>\xff\xfe</Say></Response>",
	    "<?xml version=\"1.0\" encoding=\"no-such\"?><Response/>",
	};
	for (size_t i = 0; i < CP_COUNT(documents); ++i) {
		struct cp_twiml_element *root = NULL;
		assert_true(parse(state, documents[i], &root) < 0);
		assert_null(root);
	}
}

/* Every prefix of a document ends in a refusal, never in a crash: run under AddressSanitizer. */
static void test_survives_truncation_anywhere(void **state)
{
	static const char whole[] = "<?xml version=\"1.0\"?><Response><Gather numDigits='1'><Say voice=\"a\">x &amp; "
	                            "<![CDATA[y]]></Say></Gather></Response>";
	struct cp_twiml_element *root;
	for (size_t len = 0; len < sizeof(whole) - 1; ++len)
		assert_true(cp_twiml_parse(cp_str_n(whole, len), *state, &root) < 0);
	assert_ok(cp_twiml_parse(cp_str_n(whole, sizeof(whole) - 1), *state, &root));
}

static int check_code(void **state, const char *inside)
{
	struct cp_twiml_element *root;
	int code = 0;
	struct cp_str text = cp_arena_printf(*state, "<Response>%s</Response>", inside);
	assert_ok(cp_twiml_parse(text, *state, &root));
	return cp_verbs_check(root, &code) == 0 ? 0 : code;
}

static void test_accepts_what_twilio_accepts(void **state)
{
	static const char *const documents[] = {
	    "",
	    "<Say voice='Polly.Joanna' language='en-US' loop='2'>Hi <break time='1s'/><say-as "
	    "interpret-as='telephone'>415</say-as></Say>",
	    "<Play loop='0'>https://a.example/x.mp3</Play><Play digits='ww1'/>",
	    "<Gather input='dtmf speech' numDigits='5' timeout='10' finishOnKey='' action='/x' method='get' "
	    "actionOnEmptyResult='true'>"
	    "<Say>a</Say><Pause length='2'/><Play>b</Play></Gather>",
	    "<Dial callerId='+14155550100' timeout='20' timeLimit='3600' hangupOnStar='true' answerOnBridge='false' action='/d'>"
	    "<Number sendDigits='ww123#' url='/whisper' statusCallback='/s' statusCallbackEvent='initiated "
	    "answered'>+14155550101</Number></Dial>",
	    "<Dial>+14155550101</Dial>",
	    "<Redirect method='POST'>/x</Redirect><Pause/><Hangup/><Reject reason='busy'/>",
	};
	for (size_t i = 0; i < CP_COUNT(documents); ++i)
		if (check_code(state, documents[i]) != 0)
			fail_msg("%s: %s", documents[i], cp_error_message());
}

static void test_names_what_is_no_twiml(void **state)
{
	static const struct {
		const char *inside;
		int code;
	} cases[] = {
	    {"<Speak>x</Speak>", 12200},
	    {"<say>x</say>", 12200},
	    {"<Record/>", 12200},
	    {"<Number>+14155550101</Number>", 12200},
	    {"stray text", 12200},
	    {"<Gather><Dial>+14155550101</Dial></Gather>", 12200},
	    {"<Gather>text</Gather>", 12200},
	    {"<Hangup>bye</Hangup>", 12200},
	    {"<Say pitch='high'>x</Say>", 12200},
	    {"<Gather method='PUT'/>", 12200},
	    {"<Gather actionOnEmptyResult='yes'/>", 12200},
	    {"<Gather numDigits='0'/>", 13314},
	    {"<Gather timeout='-1'/>", 13313},
	    {"<Gather timeout='1.5'/>", 13313},
	    {"<Gather finishOnKey='##'/>", 13310},
	    {"<Dial timeLimit='long'>+14155550101</Dial>", 13216},
	    {"<Dial hangupOnStar='1'>+14155550101</Dial>", 13213},
	    {"<Dial/>", 13223},
	    {"<Dial><Number></Number></Dial>", 13223},
	    {"<Dial><Number sendDigits='12x'>+14155550101</Number></Dial>", 13410},
	    {"<Dial><Number statusCallbackEvent='ringing done'>+14155550101</Number></Dial>", 12200},
	    {"<Say></Say>", 13520},
	    {"<Pause length='-3'/>", 13610},
	    {"<Play/>", 12200},
	};
	for (size_t i = 0; i < CP_COUNT(cases); ++i)
		if (check_code(state, cases[i].inside) != cases[i].code)
			fail_msg("%s: %d where %d is expected", cases[i].inside, check_code(state, cases[i].inside),
			         cases[i].code);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_reads_a_tree, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_reads_other_alphabets, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_refuses_entities, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_limits_depth, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_limits_elements_attributes_and_size, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_refuses_what_is_no_document, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_survives_truncation_anywhere, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_accepts_what_twilio_accepts, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_names_what_is_no_twiml, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
