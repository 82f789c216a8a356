#include "execute.h"

#include "base/memory.h"
#include "params.h"
#include "switchboard.h"
#include "text/xml.h"
#include "url.h"
#include "verbs.h"

#include <stdio.h>
#include <stdlib.h>

/* Spoken words a second; a Play's length, which nobody fetches; what is said when an application fails, and how long it takes. */
static const double WORDS_PER_SECOND = 2.5, PLAY_SECONDS = 3, APOLOGY_SECONDS = 4;
static const char APOLOGY[] = "We are sorry. An application error has occurred. Goodbye.";

struct cp_str cp_run_step(const struct cp_leg *leg)
{
	return cp_url_step(leg->run.document_url);
}

/* ---- Say, Play, Pause */

static unsigned count_words(struct cp_str text)
{
	unsigned count = 0;
	bool in_word = false;
	for (size_t i = 0; i < text.len; ++i) {
		bool space = text.ptr[i] == ' ' || text.ptr[i] == '\n' || text.ptr[i] == '\t' || text.ptr[i] == '\r';
		if (!space && !in_word)
			++count;
		in_word = !space;
	}
	return count;
}

/* Runs of white space as one space: how a text is heard. */
static struct cp_str squeeze(struct cp_arena *arena, struct cp_str text)
{
	CP_CLEANUP(cp_buf_free) struct cp_buf out = {0};
	for (size_t i = 0; i < text.len; ++i) {
		char c = text.ptr[i];
		bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
		if (!space)
			cp_buf_add_char(&out, c);
		else if (out.len > 0 && out.ptr[out.len - 1] != ' ')
			cp_buf_add_char(&out, ' ');
	}
	return cp_arena_str(arena, cp_buf_str(&out));
}

/* The attribute as text, "" where it is absent: what json_pack can take. */
static const char *text_of(struct cp_arena *arena, const struct cp_twiml_element *element, const char *name)
{
	return cp_arena_cstr(arena, cp_twiml_attribute(element, name));
}

/* loop 0 is for ever: as good as a day, since every call has a limit. */
static double times(const struct cp_twiml_element *element)
{
	unsigned loop = cp_verb_number(element, "loop", 1);
	return loop == 0 ? 86400 : loop;
}

double cp_run_prompt(struct cp_leg *leg, const struct cp_twiml_element *element)
{
	struct cp_arena *arena = leg->run.arena;
	double seconds;
	if (cp_twiml_is(element, "Say")) {
		struct cp_str text = squeeze(arena, element->text);
		seconds = ((double)count_words(text) / WORDS_PER_SECOND + 0.5) * times(element);
		cp_story_add(leg, "say", "{s:s%,s:s,s:s,s:f}", "text", text.ptr, text.len, "language",
		             text_of(arena, element, "language"), "voice", text_of(arena, element, "voice"), "seconds", seconds);
		return seconds;
	}
	if (cp_twiml_is(element, "Pause")) {
		seconds = cp_verb_number(element, "length", 1);
		cp_story_add(leg, "pause", "{s:f}", "seconds", seconds);
		return seconds;
	}
	struct cp_str digits = cp_twiml_attribute(element, "digits");
	cp_story_add(leg, "play", "{s:s%,s:s}", "url", element->text.ptr, element->text.len, "digits",
	             text_of(arena, element, "digits"));
	return (digits.ptr != NULL ? 0.5 * (double)digits.len : PLAY_SECONDS) * times(element);
}

/* ---- verbs */

static void end_of_document(struct cp_leg *leg)
{
	if (leg->run.finished != NULL)
		leg->run.finished(leg);
	else
		cp_leg_end(leg, CP_LEG_COMPLETED, "document");
}

static void redirect(struct cp_leg *leg, const struct cp_twiml_element *element)
{
	cp_story_add(leg, "redirect", "{s:s%}", "url", element->text.ptr, element->text.len);
	cp_run_fetch(leg, element->text, cp_verb_method(element, "method"), NULL);
}

static void perform(struct cp_leg *leg, const struct cp_twiml_element *element)
{
	if (cp_twiml_is(element, "Say") || cp_twiml_is(element, "Play") || cp_twiml_is(element, "Pause"))
		cp_wait_start(&leg->run.verb, cp_run_prompt(leg, element));
	else if (cp_twiml_is(element, "Gather"))
		cp_gather_begin(leg, element);
	else if (cp_twiml_is(element, "Redirect"))
		redirect(leg, element);
	else if (cp_twiml_is(element, "Hangup") || cp_twiml_is(element, "Reject"))
		cp_leg_end(leg, CP_LEG_COMPLETED, "document");
	else if (leg->parent != NULL)
		cp_run_fail(leg, CP_TWILIO_SCHEMA, "a whisper may not hold this verb", leg->run.document_url);
	else
		cp_dial_begin(leg, element);
}

static void on_verb(void *data)
{
	struct cp_leg *leg = data;
	struct cp_run *run = &leg->run;
	if (run->gather.element != NULL) {
		cp_gather_prompt_done(leg);
		return;
	}
	const struct cp_twiml_element *element = run->next;
	if (element == NULL) {
		end_of_document(leg);
		return;
	}
	run->next = element->next;
	perform(leg, element);
}

void cp_run_next(struct cp_leg *leg)
{
	cp_wait_start(&leg->run.verb, 0);
}

/* ---- errors */

static void on_apology_end(struct cp_leg *leg)
{
	cp_leg_end(leg, CP_LEG_COMPLETED, "error");
}

static void fetch(struct cp_leg *leg, struct cp_str url, const char *method, const struct cp_params *more);

static void fetch_fallback(struct cp_leg *leg, int code, struct cp_str url)
{
	CP_CLEANUP(cp_params_free) struct cp_params params = {0};
	cp_params_add_number(&params, "ErrorCode", code);
	cp_params_add(&params, "ErrorUrl", cp_url_without_fragment(url));
	leg->run.in_fallback = true;
	fetch(leg, cp_str(leg->run.fallback_url), leg->run.fallback_method, &params);
}

void cp_run_fail(struct cp_leg *leg, int code, const char *text, struct cp_str url)
{
	struct cp_run *run = &leg->run;
	cp_story_error(leg, code, text, url);
	if (run->hung_up)
		return;
	if (run->fallback_url != NULL && !run->in_fallback) {
		fetch_fallback(leg, code, url);
		return;
	}
	if (leg->parent != NULL) {
		cp_leg_end(leg, CP_LEG_COMPLETED, "error");
		return;
	}
	cp_story_add(leg, "say", "{s:s,s:s,s:s,s:f}", "text", APOLOGY, "language", "en-US", "voice", "", "seconds",
	             APOLOGY_SECONDS);
	run->next = NULL;
	run->finished = on_apology_end;
	cp_wait_start(&run->verb, APOLOGY_SECONDS);
}

/* ---- documents */

/* What an answer that is not XML means to Twilio: text is said, audio is played. NULL where it means nothing. */
static struct cp_twiml_element *read_other(const struct cp_webhook_result *result, struct cp_arena *arena)
{
	CP_CLEANUP(cp_buf_free) struct cp_buf document = {0};
	struct cp_xml xml;
	struct cp_twiml_element *root = NULL;
	bool text = cp_str_starts(result->content_type, CP_STR("text/plain"));
	if (!text && !cp_str_starts(result->content_type, CP_STR("audio/")))
		return NULL;
	cp_xml_start(&xml, &document);
	cp_xml_open(&xml, "Response");
	cp_xml_open(&xml, text ? "Say" : "Play");
	cp_xml_text(&xml, text ? result->body : result->url);
	cp_xml_close(&xml);
	cp_xml_close(&xml);
	return cp_twiml_parse(cp_buf_str(&document), arena, &root) == 0 ? root : NULL;
}

static bool is_xml(struct cp_str content_type)
{
	return cp_str_starts(content_type, CP_STR("text/xml")) || cp_str_starts(content_type, CP_STR("application/xml")) ||
	       cp_str_starts(content_type, CP_STR("text/html"));
}

static int read_document(const struct cp_webhook_result *result, struct cp_arena *arena, struct cp_twiml_element **ret_root,
                         int *ret_code)
{
	if (!is_xml(result->content_type)) {
		struct cp_twiml_element *root = read_other(result, arena);
		*ret_code = CP_TWILIO_CONTENT_TYPE;
		if (root == NULL)
			return cp_fail(CP_E_INPUT, "the answer's content type is \"%.*s\", which is no TwiML",
			               CP_STR_ARG(result->content_type));
		*ret_root = root;
		return 0;
	}
	*ret_code = CP_TWILIO_PARSE;
	struct cp_twiml_element *root;
	int r = cp_twiml_parse(result->body, arena, &root);
	if (r == 0)
		r = cp_verbs_check(root, ret_code);
	if (r == 0)
		*ret_root = root;
	return r;
}

/* Takes the document over and performs it. */
static void run_document(struct cp_leg *leg, struct cp_arena *arena, struct cp_twiml_element *root, struct cp_str url,
                         const char *method)
{
	struct cp_run *run = &leg->run;
	cp_arena_free(run->arena);
	run->arena = arena;
	run->document_url = cp_arena_str(arena, url);
	run->document_method = method;
	run->next = root->first_child;
	cp_phone_reached(leg, CP_WHERE_STEP, cp_run_step(leg));
	cp_run_next(leg);
}

static void take_answer(struct cp_leg *leg, const struct cp_webhook_result *result)
{
	struct cp_str step = cp_url_step(result->url);
	cp_story_add(leg, "document", "{s:s%,s:s%,s:i}", "url", result->url.ptr, result->url.len, "step", step.ptr, step.len,
	             "status", result->status);
	if (result->code != 0) {
		cp_run_fail(leg, result->code, result->sentence, result->url);
		return;
	}
	struct cp_arena *arena = cp_arena_new();
	struct cp_twiml_element *root;
	int code;
	if (!leg->run.hung_up && read_document(result, arena, &root, &code) < 0) {
		CP_CLEANUP(cp_free_ptr) char *text = cp_strdup(cp_error_message());
		cp_arena_free(arena);
		cp_run_fail(leg, code, text, result->url);
	} else if (leg->run.hung_up) {
		cp_arena_free(arena);
	} else {
		run_document(leg, arena, root, result->url, "POST");
	}
}

static void on_answer(void *data, const struct cp_webhook_result *result)
{
	struct cp_leg *leg = data;
	struct cp_run *run = &leg->run;
	run->fetching = NULL;
	take_answer(leg, result);
	cp_line_clock_network_end(
	    cp_leg_clock(leg)); /* after it: what it starts, starts at this moment, not at many times its cost */
	if (run->hung_up && run->closing) {
		run->closing = false;
		cp_callbacks_event(leg, CP_EVENT_COMPLETED);
	}
	cp_leg_unpin(leg); /* may forget the leg: last */
}

/* A second copy of a webhook, whose answer nobody performs. */
struct duplicate {
	struct cp_list link; /* in run->duplicates */
	struct cp_leg *leg;
	struct cp_webhook *webhook;
};

static void on_duplicate_answer(void *data, const struct cp_webhook_result *result)
{
	struct duplicate *duplicate = data;
	struct cp_leg *leg = duplicate->leg;
	(void)result;
	cp_list_remove(&duplicate->link);
	free(duplicate);
	cp_leg_unpin(leg);
}

static void send_duplicate(struct cp_leg *leg, struct cp_webhook_request request)
{
	struct duplicate *duplicate = cp_alloc(sizeof(*duplicate));
	request.idempotency = cp_webhook_idempotency(leg->run.fetching);
	duplicate->leg = leg;
	cp_list_push(&leg->run.duplicates, &duplicate->link);
	cp_leg_pin(leg);
	duplicate->webhook = cp_webhook_start(&leg->board->webhooks, &request, on_duplicate_answer, duplicate);
}

static void fetch(struct cp_leg *leg, struct cp_str url, const char *method, const struct cp_params *more)
{
	struct cp_run *run = &leg->run;
	if (++run->documents > CP_MAX_DOCUMENTS) {
		run->in_fallback = true;
		cp_run_fail(leg, CP_TWILIO_SCHEMA, "the call has asked for too many documents", url);
		return;
	}
	CP_CLEANUP(cp_params_free) struct cp_params params = {0};
	cp_params_add_leg(&params, leg, cp_leg_status_word(leg->status));
	cp_params_add_all(&params, more);
	struct cp_form form = cp_params_form(&params);
	struct cp_webhook_request request = {.url = url, .method = method, .token = cp_str(leg->account->token), .form = &form};
	if (cp_url_rules(url).bad_policy)
		cp_story_error(leg, CP_TWILIO_BAD_POLICY, "rp in the URL's fragment is invalid", url);
	cp_leg_pin(leg);
	cp_line_clock_network_begin(cp_leg_clock(leg));
	run->fetching = cp_webhook_start(&leg->board->webhooks, &request, on_answer, leg);
	if (cp_scenario_duplicates_webhooks(leg->board->scenario))
		send_duplicate(leg, request);
}

void cp_run_fetch(struct cp_leg *leg, struct cp_str reference, const char *method, const struct cp_params *more)
{
	struct cp_arena *arena = cp_arena_new();
	struct cp_str url;
	int r = cp_url_resolve(leg->run.document_url, reference, arena, &url);
	if (r == 0) {
		leg->run.in_fallback = false;
		fetch(leg, url, method, more);
	} else {
		cp_run_fail(leg, CP_TWILIO_URL_FORMAT, "this is not a URL that can be called", reference);
	}
	cp_arena_free(arena);
}

/* ---- beginning and end */

void cp_run_init(struct cp_run *run, struct cp_leg *leg)
{
	run->leg = leg;
	run->method = run->fallback_method = "POST";
	run->document_url = CP_STR("");
	cp_list_init(&run->duplicates);
	cp_wait_init(&run->verb, cp_leg_clock(leg), on_verb, leg);
	cp_gather_init(leg);
	cp_dial_init(leg);
}

static void leave(struct cp_leg *leg)
{
	cp_wait_stop(&leg->run.verb);
	cp_gather_abandon(leg);
}

static void drop_fetch(struct cp_leg *leg)
{
	if (leg->run.fetching == NULL)
		return;
	cp_webhook_cancel(leg->run.fetching);
	leg->run.fetching = NULL;
	cp_line_clock_network_end(cp_leg_clock(leg));
	cp_leg_unpin(leg);
}

void cp_run_free(struct cp_run *run)
{
	cp_wait_stop(&run->verb);
	cp_wait_stop(&run->gather.key);
	cp_wait_stop(&run->dial.send_digits);
	cp_wait_stop(&run->dial.limit);
	cp_webhook_cancel(run->fetching);
	run->fetching = NULL;
	while (!cp_list_is_empty(&run->duplicates)) {
		struct duplicate *duplicate = CP_LIST_FIRST(&run->duplicates, struct duplicate, link);
		cp_webhook_cancel(duplicate->webhook);
		cp_list_remove(&duplicate->link);
		free(duplicate);
	}
	run->arena = cp_arena_free(run->arena);
	free(run->url);
	free(run->fallback_url);
	free(run->twiml);
}

static void run_inline(struct cp_leg *leg)
{
	struct cp_webhook_result result = {.body = cp_str(leg->run.twiml), .content_type = CP_STR("text/xml"), .url = CP_STR("")};
	struct cp_arena *arena = cp_arena_new();
	struct cp_twiml_element *root;
	int code;
	if (read_document(&result, arena, &root, &code) < 0) {
		CP_CLEANUP(cp_free_ptr) char *text = cp_strdup(cp_error_message());
		cp_arena_free(arena);
		cp_run_fail(leg, code, text, CP_STR(""));
		return;
	}
	run_document(leg, arena, root, CP_STR(""), "POST");
}

void cp_run_begin(struct cp_leg *leg)
{
	struct cp_run *run = &leg->run;
	run->document_url = CP_STR("");
	if (run->twiml != NULL)
		run_inline(leg);
	else
		cp_run_fetch(leg, cp_str(run->url), run->method, NULL);
}

void cp_run_again(struct cp_leg *leg)
{
	leave(leg);
	cp_dial_abandon(leg);
	leg->run.finished = NULL;
	cp_leg_pin(leg);
	drop_fetch(leg);
	cp_run_begin(leg);
	cp_leg_unpin(leg);
}

void cp_run_hung_up(struct cp_leg *leg)
{
	struct cp_run *run = &leg->run;
	leave(leg);
	run->hung_up = true;
	if (run->fetching != NULL)
		cp_webhook_stop_retrying(run->fetching);
	if (leg->parent != NULL)
		return;
	run->closing = cp_dial_hung_up(leg) && run->fetching != NULL;
	if (!run->closing)
		cp_callbacks_event(leg, CP_EVENT_COMPLETED);
}

void cp_run_key(struct cp_leg *leg, char key)
{
	if (leg->run.gather.element != NULL)
		cp_gather_key(leg, key);
	else if (leg->run.dial.element != NULL)
		cp_dial_key(leg, key);
}
