#include "verbs.h"

#include "base/memory.h"

#include <strings.h>

enum kind {
	TEXT,   /* anything */
	NUMBER, /* decimal, within min..max */
	BOOL,   /* true or false */
	METHOD, /* GET or POST */
	CHOICE, /* one of the words in choices, separated by | */
	CHARS,  /* only characters of choices, at most max of them */
	WORDS,  /* words of choices, separated by spaces */
};

struct rule {
	const char *verb, *name;
	enum kind kind;
	unsigned min, max;
	const char *choices;
	int code; /* 0: CP_TWILIO_SCHEMA */
};

#define RECORDINGS                                                                                                               \
	"do-not-record|record-from-answer|record-from-ringing|record-from-answer-dual|record-from-ringing-dual|true|false"
#define EVENTS "initiated|ringing|answered|completed"

static const struct rule rules[] = {
    {"Say", "voice", TEXT},
    {"Say", "language", TEXT},
    {"Say", "loop", NUMBER, 0, 1000, NULL, CP_TWILIO_SAY_LOOP},
    {"Play", "loop", NUMBER, 0, 1000, NULL, CP_TWILIO_SAY_LOOP},
    {"Play", "digits", CHARS, 1, 200, "0123456789*#ABCDabcdwW"},
    {"Pause", "length", NUMBER, 0, 86400, NULL, CP_TWILIO_PAUSE_LENGTH},
    {"Redirect", "method", METHOD},
    {"Reject", "reason", CHOICE, 0, 0, "rejected|busy"},
    {"Gather", "input", WORDS, 0, 0, "dtmf|speech"},
    {"Gather", "action", TEXT},
    {"Gather", "method", METHOD},
    {"Gather", "timeout", NUMBER, 0, 86400, NULL, CP_TWILIO_GATHER_TIMEOUT},
    {"Gather", "numDigits", NUMBER, 1, 200, NULL, CP_TWILIO_GATHER_NUM_DIGITS},
    {"Gather", "finishOnKey", CHARS, 0, 1, "0123456789#*", CP_TWILIO_GATHER_FINISH_ON_KEY},
    {"Gather", "actionOnEmptyResult", BOOL},
    {"Gather", "bargeIn", BOOL},
    {"Gather", "speechTimeout", TEXT},
    {"Gather", "maxSpeechTime", NUMBER, 1, 600},
    {"Gather", "language", TEXT},
    {"Gather", "hints", TEXT},
    {"Gather", "speechModel", TEXT},
    {"Gather", "enhanced", BOOL},
    {"Gather", "profanityFilter", BOOL},
    {"Gather", "partialResultCallback", TEXT},
    {"Gather", "partialResultCallbackMethod", METHOD},
    {"Gather", "dtmfDetection", TEXT},
    {"Dial", "action", TEXT},
    {"Dial", "method", METHOD},
    {"Dial", "callerId", TEXT},
    {"Dial", "timeout", NUMBER, 1, 600, NULL, CP_TWILIO_DIAL_TIMEOUT},
    {"Dial", "timeLimit", NUMBER, 1, 86400, NULL, CP_TWILIO_DIAL_TIME_LIMIT},
    {"Dial", "hangupOnStar", BOOL, 0, 0, NULL, CP_TWILIO_DIAL_HANGUP_ON_STAR},
    {"Dial", "answerOnBridge", BOOL},
    {"Dial", "ringTone", TEXT},
    {"Dial", "sequential", BOOL},
    {"Dial", "record", CHOICE, 0, 0, RECORDINGS},
    {"Dial", "trim", CHOICE, 0, 0, "trim-silence|do-not-trim"},
    {"Dial", "recordingStatusCallback", TEXT},
    {"Dial", "recordingStatusCallbackMethod", METHOD},
    {"Dial", "recordingStatusCallbackEvent", WORDS, 0, 0, "in-progress|completed|absent"},
    {"Dial", "recordingTrack", CHOICE, 0, 0, "both|inbound|outbound"},
    {"Dial", "referUrl", TEXT},
    {"Dial", "referMethod", METHOD},
    {"Dial", "events", TEXT},
    {"Number", "sendDigits", CHARS, 0, 32, "0123456789*#ABCDabcdwW", CP_TWILIO_NUMBER_SEND_DIGITS},
    {"Number", "url", TEXT},
    {"Number", "method", METHOD},
    {"Number", "statusCallback", TEXT},
    {"Number", "statusCallbackMethod", METHOD},
    {"Number", "statusCallbackEvent", WORDS, 0, 0, EVENTS},
    {"Number", "byoc", TEXT},
    {"Number", "machineDetection", CHOICE, 0, 0, "Enable|DetectMessageEnd"},
    {"Number", "machineDetectionTimeout", NUMBER, 3, 59},
    {"Number", "machineDetectionSpeechThreshold", NUMBER, 1000, 6000},
    {"Number", "machineDetectionSpeechEndThreshold", NUMBER, 500, 5000},
    {"Number", "machineDetectionSilenceTimeout", NUMBER, 2000, 10000},
    {"Number", "amdStatusCallback", TEXT},
    {"Number", "amdStatusCallbackMethod", METHOD},
    /* SSML within Say */
    {"break", "strength", CHOICE, 0, 0, "none|x-weak|weak|medium|strong|x-strong"},
    {"break", "time", TEXT},
    {"emphasis", "level", CHOICE, 0, 0, "strong|moderate|reduced"},
    {"lang", "xml:lang", TEXT},
    {"phoneme", "alphabet", TEXT},
    {"phoneme", "ph", TEXT},
    {"prosody", "volume", TEXT},
    {"prosody", "rate", TEXT},
    {"prosody", "pitch", TEXT},
    {"say-as", "interpret-as", TEXT},
    {"say-as", "format", TEXT},
    {"sub", "alias", TEXT},
    {"w", "role", TEXT},
};

#define SSML "break|emphasis|lang|p|phoneme|prosody|s|say-as|sub|w"

/* What may stand in what; elements that are not in the table may hold nothing. */
static const struct {
	const char *parent, *children;
	bool text; /* of its own */
} nesting[] = {
    {"Response", "Say|Play|Gather|Dial|Redirect|Pause|Hangup|Reject", false},
    {"Gather", "Say|Play|Pause", false},
    {"Dial", "Number", true},
    {"Number", "", true},
    {"Say", SSML, true},
    {"Play", "", true},
    {"Redirect", "", true},
    {"emphasis", SSML, true},
    {"lang", SSML, true},
    {"p", SSML, true},
    {"phoneme", SSML, true},
    {"prosody", SSML, true},
    {"s", SSML, true},
    {"say-as", SSML, true},
    {"sub", SSML, true},
    {"w", SSML, true},
};

static const char unperformed[] = "Record|Enqueue|Connect|Start|Stop|Refer|Pay|Prompt|Echo|Leave|Queue|Sms|Message|Conference|"
                                  "Client|Sip|Sim|WhatsApp|Application";

static bool is_one_of(struct cp_str word, const char *choices)
{
	struct cp_str rest = cp_str(choices);
	while (rest.ptr != NULL)
		if (word.len > 0 && cp_str_eq(cp_str_split(rest, '|', &rest), word))
			return true;
	return false;
}

static bool are_words_of(struct cp_str value, const char *choices)
{
	size_t count = 0;
	while (value.ptr != NULL) {
		struct cp_str word = cp_str_split(value, ' ', &value);
		if (word.len == 0)
			continue;
		if (!is_one_of(word, choices))
			return false;
		++count;
	}
	return count > 0;
}

static bool are_chars_of(struct cp_str value, const struct rule *rule)
{
	if (value.len < rule->min || value.len > rule->max)
		return false;
	for (size_t i = 0; i < value.len; ++i)
		if (value.ptr[i] == '\0' || strchr(rule->choices, value.ptr[i]) == NULL)
			return false;
	return true;
}

static bool is_valid(const struct rule *rule, struct cp_str value)
{
	uint64_t number;
	switch (rule->kind) {
	case TEXT:
		return true;
	case NUMBER:
		return cp_str_to_u64(value, rule->max, &number) == 0 && number >= rule->min;
	case BOOL:
		return cp_str_eq_ignore_case(value, CP_STR("true")) || cp_str_eq_ignore_case(value, CP_STR("false"));
	case METHOD:
		return cp_str_eq_ignore_case(value, CP_STR("GET")) || cp_str_eq_ignore_case(value, CP_STR("POST"));
	case CHOICE:
		return is_one_of(value, rule->choices);
	case CHARS:
		return are_chars_of(value, rule);
	case WORDS:
		return are_words_of(value, rule->choices);
	}
	return false;
}

static int refuse(int error, int code, int *ret_code, const struct cp_twiml_element *element, const char *what,
                  struct cp_str name)
{
	*ret_code = code;
	return cp_fail(error, "line %u: <%.*s>: %s%s%.*s", element->line, CP_STR_ARG(element->name), what,
	               name.len > 0 ? " " : "", (int)(name.len < 100 ? name.len : 100), name.len > 0 ? name.ptr : "");
}

static int check_attributes(const struct cp_twiml_element *element, int *ret_code)
{
	for (size_t i = 0; i < element->attribute_count; ++i) {
		const struct cp_twiml_attribute *attribute = &element->attributes[i];
		const struct rule *rule = rules, *end = rules + CP_COUNT(rules);
		while (rule < end && !(cp_twiml_is(element, rule->verb) && cp_str_eq(attribute->name, cp_str(rule->name))))
			++rule;
		if (rule == end)
			return refuse(CP_E_INPUT, CP_TWILIO_SCHEMA, ret_code, element, "unknown attribute", attribute->name);
		if (!is_valid(rule, attribute->value))
			return refuse(CP_E_INPUT, rule->code != 0 ? rule->code : CP_TWILIO_SCHEMA, ret_code, element,
			              "invalid value of attribute", attribute->name);
	}
	return 0;
}

/* What an element must hold itself. */
static int check_content(const struct cp_twiml_element *element, int *ret_code)
{
	if (cp_twiml_is(element, "Say") && element->text.len == 0)
		return refuse(CP_E_INPUT, CP_TWILIO_SAY_TEXT, ret_code, element, "nothing to say", CP_STR(""));
	if (cp_twiml_is(element, "Play") && element->text.len == 0 && cp_twiml_attribute(element, "digits").ptr == NULL)
		return refuse(CP_E_INPUT, CP_TWILIO_SCHEMA, ret_code, element, "no URL", CP_STR(""));
	if ((cp_twiml_is(element, "Number") || cp_twiml_is(element, "Dial")) && element->text.len == 0)
		return refuse(CP_E_INPUT, CP_TWILIO_DIAL_NUMBER_FORMAT, ret_code, element, "no number", CP_STR(""));
	return 0;
}

static int check_nesting(const struct cp_twiml_element *element, int *ret_code)
{
	const char *allowed = "";
	bool text = false;
	for (size_t i = 0; i < CP_COUNT(nesting); ++i)
		if (cp_twiml_is(element, nesting[i].parent)) {
			allowed = nesting[i].children;
			text = nesting[i].text;
		}
	if (element->has_own_text && !text)
		return refuse(CP_E_INPUT, CP_TWILIO_SCHEMA, ret_code, element, "text where none belongs", CP_STR(""));
	for (const struct cp_twiml_element *child = element->first_child; child != NULL; child = child->next) {
		if (is_one_of(child->name, allowed))
			continue;
		if (is_one_of(child->name, unperformed))
			return refuse(CP_E_UNSUPPORTED, CP_TWILIO_SCHEMA, ret_code, child,
			              "a verb that the sandbox does not perform", CP_STR(""));
		return refuse(CP_E_INPUT, CP_TWILIO_SCHEMA, ret_code, child, "not allowed within", element->name);
	}
	return 0;
}

static int check(const struct cp_twiml_element *element, int *ret_code)
{
	int r = check_attributes(element, ret_code);
	if (r == 0)
		r = check_content(element, ret_code);
	if (r == 0)
		r = check_nesting(element, ret_code);
	for (const struct cp_twiml_element *child = element->first_child; r == 0 && child != NULL; child = child->next)
		r = check(child, ret_code); /* at most CP_TWIML_MAX_DEPTH deep */
	return r;
}

int cp_verbs_check(const struct cp_twiml_element *root, int *ret_code)
{
	return check(root, ret_code);
}

unsigned cp_verb_number(const struct cp_twiml_element *element, const char *name, unsigned preset)
{
	uint64_t number;
	struct cp_str value = cp_twiml_attribute(element, name);
	return value.ptr != NULL && cp_str_to_u64(value, UINT32_MAX, &number) == 0 ? (unsigned)number : preset;
}

bool cp_verb_bool(const struct cp_twiml_element *element, const char *name, bool preset)
{
	struct cp_str value = cp_twiml_attribute(element, name);
	return value.ptr == NULL ? preset : cp_str_eq_ignore_case(value, CP_STR("true"));
}

const char *cp_verb_method(const struct cp_twiml_element *element, const char *name)
{
	return cp_str_eq_ignore_case(cp_twiml_attribute(element, name), CP_STR("GET")) ? "GET" : "POST";
}
