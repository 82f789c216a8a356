#include "check.h"

#include "base/arena.h"
#include "base/memory.h"
#include "telephony/carrier.h"
#include "telephony/signature.h"
#include "telephony/status.h"
#include "telephony/twiml.h"
#include "text/json.h"

#include <stdlib.h>

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

/* ---- statuses */

static void test_status__never_goes_back(void **state)
{
	(void)state;
	static const enum cp_call_status order[] = {CP_CALL_QUEUED, CP_CALL_INITIATED, CP_CALL_RINGING, CP_CALL_IN_PROGRESS};
	for (size_t i = 0; i < CP_COUNT(order); ++i) {
		for (size_t j = 0; j < CP_COUNT(order); ++j)
			assert_int_equal(cp_call_status_may_follow(order[i], order[j]), j > i);
		for (int end = CP_CALL_COMPLETED; end <= CP_CALL_CANCELED; ++end) {
			assert_true(cp_call_status_may_follow(order[i], (enum cp_call_status)end));
			assert_false(cp_call_status_may_follow((enum cp_call_status)end, order[i]));
		}
	}
	assert_false(cp_call_status_may_follow(CP_CALL_COMPLETED, CP_CALL_FAILED));
	assert_int_equal(cp_call_status_parse(CP_STR("no-answer")), CP_CALL_NO_ANSWER);
	assert_int_equal(cp_call_status_parse(CP_STR("No-Answer")), CP_CALL_UNKNOWN);
}

/* ---- signatures */

static bool check(struct cp_arena *arena, const char *token, const char *url, const char *form_text, const char *signature)
{
	struct cp_form form;
	assert_ok(cp_form_parse(cp_str(form_text), arena, &form));
	return cp_signature_check(cp_str(token), cp_str(url), &form, cp_str(signature));
}

#define FORM "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212"
#define URL "https://mycompany.com/myapp.php?foo=1&bar=2"

static void test_signature__of_a_form(void **state)
{
	char signature[CP_SIGNATURE_SIZE];
	struct cp_form form;
	assert_ok(cp_form_parse(CP_STR(FORM), *state, &form));
	cp_signature_make(CP_STR("12345"), CP_STR(URL), &form, signature);
	assert_string_equal(signature, "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
	assert_true(check(*state, "12345", URL, FORM, signature));
	/* the fields in another order are the same request */
	assert_true(check(*state, "12345", URL, "To=%2B18005551212&From=%2B14158675309&Digits=1234&Caller=%2B14158675309&CallSid=CA1234567890ABCDE",
	                  signature));
}

static void test_signature__with_and_without_port(void **state)
{
	assert_true(check(*state, "12345", "https://mycompany.com:1234/myapp.php?foo=1&bar=2", FORM, "RSOYDt4T1cUTdK1PDd93/VVr8B8="));
	assert_true(check(*state, "12345", URL, FORM, "kvajT1Ptam85bY51eRf/AJRuM3w="));
	assert_true(check(*state, "12345", "http://mycompany.com/myapp.php?foo=1&bar=2", FORM, "0ZXoZLH/DfblKGATFgpif+LLRf4="));
	assert_true(check(*state, "12345", "https://user:pass@mycompany.com/myapp.php?foo=1&bar=2", FORM, "ZQFR1PTIZXF2MXB8ZnKCvnnA+rI="));
	/* "pass" is no port: the credentials stay in what is signed */
	assert_false(check(*state, "12345", "https://user:pass@mycompany.com/myapp.php?foo=1&bar=2", FORM, "RSOYDt4T1cUTdK1PDd93/VVr8B8="));
}

static void test_signature__quote_in_the_query(void **state)
{
	assert_true(check(*state, "12345", URL "&Body=It%27s+amazing", FORM, "TfZzewPq8wqrGlMfyAud8+/IvJ0="));
	assert_true(check(*state, "12345", URL "&Body=It's+amazing", FORM, "TfZzewPq8wqrGlMfyAud8+/IvJ0="));
}

static void test_signature__repeated_values_count_once(void **state)
{
	assert_true(check(*state, "12345", URL, "Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234", "IK+Dwps556ElfBT0I3Rgjkr1wJU="));
}

static void test_signature__forgeries_fail(void **state)
{
	const char *right = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
	assert_false(check(*state, "12346", URL, FORM, right));
	assert_false(check(*state, "12345", URL "&x=1", FORM, right));
	assert_false(check(*state, "12345", "https://mycompany.com/myapp.php?foo=1&bar=3", FORM, right));
	assert_false(check(*state, "12345", "http://mycompany.com/myapp.php?foo=1&bar=2", FORM, right));
	assert_false(check(*state, "12345", URL, FORM "&Extra=1", right));
	assert_false(check(*state, "12345", URL, FORM, ""));
	assert_false(check(*state, "12345", URL, FORM, "RSOYDt4T1cUTdK1PDd93/VVr8B8"));
	assert_false(check(*state, "12345", URL, FORM, "RSOYDt4T1cUTdK1PDd93/VVr8B9="));
	assert_false(check(*state, "12345", "mycompany.com", FORM, right));
}

static void test_signature__of_a_body(void **state)
{
	(void)state;
	struct cp_str url = CP_STR(URL "&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620");
	struct cp_str body = CP_STR("{\"property\": \"value\", \"boolean\": true}"), signature = CP_STR("a9nBmqA0ju/hNViExpshrM61xv4=");
	assert_true(cp_signature_check_body(CP_STR("12345"), url, body, signature));
	assert_false(cp_signature_check_body(CP_STR("12345"), url, CP_STR("{}"), signature));
	assert_false(cp_signature_check_body(CP_STR("12345"), CP_STR(URL), body, signature));
}

/* All vectors of the file named by CP_TEST_VECTORS, as Twilio's own library computes them. */
static void check_vector(struct cp_arena *arena, const json_t *vector, const json_t *vectors)
{
	struct cp_buf form = {0};
	struct cp_form parsed;
	const char *name;
	json_t *value;
	const json_t *params = vector;
	if (json_object_get(vector, "same_as") != NULL)
		params = json_array_get(vectors, (size_t)json_integer_value(json_object_get(vector, "same_as")) - 1);
	struct cp_str token = cp_json_str(params, "token");
	json_object_foreach(json_object_get(params, "params"), name, value)
	{
		for (size_t i = 0; i < json_array_size(value); ++i)
			cp_form_add(&form, name, cp_str(json_string_value(json_array_get(value, i))));
		if (json_is_string(value))
			cp_form_add(&form, name, cp_str(json_string_value(value)));
	}
	assert_ok(cp_form_parse(cp_buf_str(&form), arena, &parsed));
	struct cp_str url = cp_json_str(vector, "signed_url"), signature = cp_json_str(vector, "sig"), body = cp_json_str(vector, "body");
	bool fits = body.ptr == NULL ? cp_signature_check(token, url, &parsed, signature) : cp_signature_check_body(token, url, body, signature);
	if (!fits)
		fail_msg("vector %d does not fit", (int)json_integer_value(json_object_get(vector, "n")));
	cp_buf_free(&form);
}

static void test_signature__vectors(void **state)
{
	const char *path = getenv("CP_TEST_VECTORS");
	json_error_t problem;
	json_t *json = path == NULL ? NULL : json_load_file(path, 0, &problem), *vector;
	size_t i;
	if (json == NULL) {
		print_message("skipped: CP_TEST_VECTORS names no file of signature vectors\n");
		skip();
	}
	json_t *vectors = json_object_get(json, "vectors");
	assert_true(json_array_size(vectors) >= 16);
	json_array_foreach(vectors, i, vector)
		check_vector(*state, vector, vectors);
	json_decref(json);
}

/* ---- TwiML */

static void test_twiml__verbs(void **state)
{
	(void)state;
	struct cp_buf out = {0};
	struct cp_twiml twiml;
	cp_twiml_start(&twiml, &out, CP_STR("en-US"), CP_STR("Polly.Joanna"));
	cp_twiml_gather_start(&twiml, &(struct cp_twiml_gather){.action = CP_STR("https://x/?a=1&b=2"), .digits = 1, .timeout_s = 10});
	cp_twiml_say(&twiml, CP_STR("Beto O'Rourke & co"));
	cp_twiml_gather_end(&twiml);
	cp_twiml_say(&twiml, CP_STR("")); /* nothing to say, no verb */
	cp_twiml_say(&twiml, CP_STR(" \x01\n"));
	cp_twiml_dial(&twiml, &(struct cp_twiml_dial){.number = CP_STR("+12025550123"), .extension = CP_STR("ww12"), .caller_id = CP_STR("+14155550123"),
	                                              .action = CP_STR("https://x"), .timeout_s = 60, .time_limit_s = 3600, .hangup_on_star = true});
	cp_twiml_pause(&twiml, 3);
	cp_twiml_redirect(&twiml, CP_STR("https://x/?a=1&b=2"));
	cp_twiml_hangup(&twiml);
	cp_twiml_end(&twiml);
	assert_str(cp_buf_str(&out),
	           "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Gather input=\"dtmf\" action=\"https://x/?a=1&amp;b=2\" method=\"POST\" numDigits=\"1\" "
	           "timeout=\"10\" finishOnKey=\"\" actionOnEmptyResult=\"true\"><Say voice=\"Polly.Joanna\" language=\"en-US\">Beto O'Rourke &amp; co</Say></Gather>"
	           "<Dial action=\"https://x\" method=\"POST\" callerId=\"+14155550123\" timeout=\"60\" timeLimit=\"3600\" hangupOnStar=\"true\">"
	           "<Number sendDigits=\"ww12\">+12025550123</Number></Dial><Pause length=\"3\"/><Redirect method=\"POST\">https://x/?a=1&amp;b=2</Redirect>"
	           "<Hangup/></Response>");
	cp_buf_free(&out);
}

static void test_carrier__sids(void **state)
{
	(void)state;
	assert_true(cp_call_sid_is_valid(CP_STR("CA0123456789abcdef0123456789ABCDEF")));
	assert_false(cp_call_sid_is_valid(CP_STR("CA0123456789abcdef0123456789ABCDE")));
	assert_false(cp_call_sid_is_valid(CP_STR("AC0123456789abcdef0123456789ABCDEF")));
	assert_false(cp_call_sid_is_valid(CP_STR("CA0123456789abcdef0123456789ABCD/.")));
	assert_false(cp_call_sid_is_valid(CP_STR_NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status__never_goes_back),
		cmocka_unit_test_setup_teardown(test_signature__of_a_form, setup, teardown),
		cmocka_unit_test_setup_teardown(test_signature__with_and_without_port, setup, teardown),
		cmocka_unit_test_setup_teardown(test_signature__quote_in_the_query, setup, teardown),
		cmocka_unit_test_setup_teardown(test_signature__repeated_values_count_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_signature__forgeries_fail, setup, teardown),
		cmocka_unit_test_setup_teardown(test_signature__of_a_body, setup, teardown),
		cmocka_unit_test_setup_teardown(test_signature__vectors, setup, teardown),
		cmocka_unit_test(test_twiml__verbs),
		cmocka_unit_test(test_carrier__sids),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
