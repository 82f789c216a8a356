/*
 * The carrier's REST API (Twilio 2010-04-01): asking it to ring someone, and asking what became of a call.
 */
#ifndef TELEPHONY_CARRIER_H
#define TELEPHONY_CARRIER_H

#include "fetch/fetch.h"
#include "telephony/status.h"

/* Whose account, and where. All borrowed for the length of the call that takes it. */
struct cp_carrier_account {
	const char *base_url;      /* "https://api.twilio.com", without a slash at its end */
	const char *account_sid;   /* AC... */
	const char *user, *secret; /* account sid and auth token, or API key sid and secret */
	bool operator_destination; /* base_url comes from an operator's setting, not from a tenant */
	unsigned timeout_ms;
};

struct cp_carrier_call {
	struct cp_str to, from;      /* E.164 */
	struct cp_str url, fallback_url, status_url;
	unsigned ring_timeout_s, time_limit_s;
};

/* What the person who asked for the call, and what the organization, should be told. */
enum cp_carrier_problem {
	CP_CARRIER_OK = 0,
	CP_CARRIER_BAD_NUMBER,      /* the supporter's number cannot be called */
	CP_CARRIER_BLOCKED_NUMBER,  /* the carrier blocks it */
	CP_CARRIER_REGION,          /* the account may not call this country */
	CP_CARRIER_BAD_FROM,        /* the organization's number is not usable */
	CP_CARRIER_CREDENTIALS,     /* the account's credentials are refused */
	CP_CARRIER_BUSY,            /* too many requests */
	CP_CARRIER_AWAY,            /* no answer, or a fault of the carrier's */
	CP_CARRIER_REFUSED,         /* anything else it refuses: carrier_code says what */
	CP_CARRIER_NOT_FOUND,       /* no such call */
};

struct cp_carrier_answer {
	enum cp_carrier_problem problem;
	bool certainly_not_placed; /* the call does not exist: the session can be ended */
	int carrier_code;          /* the carrier's error code, 0 where none */
	struct cp_str sid;         /* of the call; absent unless problem is OK */
	enum cp_call_status status;
	int duration_s;            /* of a finished call */
	int queue_ms;              /* how long the call waits before it rings */
	struct cp_str message;     /* the carrier's own words, for the log */
};

/* answer is valid during the call. */
typedef void cp_carrier_fn(void *data, const struct cp_carrier_answer *answer);

/* POST Calls.json. fn is called exactly once, from a later turn; CP_E_LIMIT and the like are returned at once, without it. */
int cp_carrier_create_call(struct cp_fetcher *fetcher, const struct cp_carrier_account *account, const struct cp_carrier_call *call,
                           cp_carrier_fn *fn, void *data) CP_MUST_CHECK;
/* GET Calls/{sid}.json. */
int cp_carrier_get_call(struct cp_fetcher *fetcher, const struct cp_carrier_account *account, struct cp_str sid, cp_carrier_fn *fn,
                        void *data) CP_MUST_CHECK;

/* A stable word for a problem ("bad_number"), as in API answers, and a sentence for the supporter. */
const char *cp_carrier_problem_word(enum cp_carrier_problem problem);
const char *cp_carrier_problem_sentence(enum cp_carrier_problem problem);

#endif
