/*
 * provider.h - what a country plugin and CallPower agree on. ABI 1. It needs nothing but the C library.
 *
 * A plugin turns public documents of one country into records: divisions, posts, people, who holds what, offices, postal codes.
 * It is a pure function of its inputs. It opens no file and no socket, starts no thread, keeps no mutable global, calls no
 * setlocale(), and frees nothing that the host gave it. What it allocates through the host dies with the call.
 *
 * Compatibility: every struct that may grow starts with `size`, set by whoever fills it to the sizeof he was compiled with;
 * members are added at the end only; whoever reads treats members beyond `size` as absent (PROVIDER_HAS). Structs without a size
 * (provider_str, provider_from) never change. Arrays are arrays of pointers, so that their elements may grow. Numbers of enums
 * are never reused. Any other change makes PROVIDER_ABI 2.
 *
 * Text is UTF-8 and, as provider_str, not NUL-terminated. `const char *` members are NUL-terminated and live as long as the
 * plugin is loaded.
 */
#ifndef PROVIDER_H
#define PROVIDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROVIDER_ABI 1u
#define PROVIDER_HAS(s, member) ((s)->size >= offsetof(__typeof__(*(s)), member) + sizeof((s)->member))

struct provider_str {
	const char *ptr; /* NULL: absent */
	size_t len;      /* bytes */
};

/* 0 or one of these. */
enum provider_rc {
	PROVIDER_OK = 0,
	PROVIDER_E_INPUT = -1,       /* a document or an argument is malformed; explained by host->fail where there is one */
	PROVIDER_E_UNSUPPORTED = -2, /* this plugin does not do that */
	PROVIDER_E_LIMIT = -3,       /* no more memory, time or records */
	PROVIDER_E_BUG = -4,
};

enum provider_log_level { PROVIDER_ERROR = 3, PROVIDER_WARNING = 4, PROVIDER_INFO = 6, PROVIDER_DEBUG = 7 };

/* Where a record was read: the document's index in the manifest, and the line (from 1; 0 where there is no single line). */
struct provider_from {
	uint32_t document;
	uint32_t line;
};

/* ---- what the plugin may call: lent for the length of one call, on the calling thread only */

struct provider_arena; /* the host's */

struct provider_host {
	uint32_t size;
	uint32_t abi; /* the host's PROVIDER_ABI */
	void *ctx;    /* first argument of every function */
	/* Zeroed memory, freed by the host after the call; NULL: return PROVIDER_E_LIMIT. align is a power of two, at most 16. */
	void *(*alloc)(void *ctx, struct provider_arena *arena, size_t size, size_t align);
	void (*log)(void *ctx, uint32_t level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
	/* Says why the call is about to fail, and where; the host puts the document's file name in front. Returns rc. */
	int (*fail)(void *ctx, int rc, struct provider_from where, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
	/* To be asked in loops: true means that the time is up; return PROVIDER_E_LIMIT. */
	bool (*expired)(void *ctx);
	/* Seconds since 1970-01-01 UTC by the host's clock, which tests set. Never ask another. */
	int64_t (*now)(void *ctx);
};

struct provider_call {
	uint32_t size;
	const struct provider_host *host;
	struct provider_arena *arena;
};

/* ---- records, which the plugin emits in this order of kinds: what a record names must have been emitted before it */

/* A place that elects somebody. The country itself comes first, without a parent. */
struct provider_division {
	uint32_t size;
	struct provider_str id;     /* Open Civic Data id: "ocd-division/country:us/state:ca/cd:11" */
	struct provider_str parent; /* id of the division around it; absent for the country only */
	struct provider_str name;   /* for people: "California's 11th congressional district" */
	struct provider_from from;
};

/* One of these per post; or-ed where a campaign's subtype says which it takes. */
enum provider_chamber {
	PROVIDER_UPPER = 1,
	PROVIDER_LOWER = 2,
	PROVIDER_UNICAMERAL = 4,
	PROVIDER_EXECUTIVE = 8,
	PROVIDER_OTHER = 16,
};

enum provider_post_flags {
	PROVIDER_POST_VOTING = 1, /* may vote in its chamber; a delegate may not */
};

/* A seat, or an executive's office: it exists whether somebody holds it or not. One that nobody holds is a vacancy. */
struct provider_post {
	uint32_t size;
	struct provider_str id;       /* unique in the country and stable over the years: "senate:CA:1", "house:CA:11" */
	struct provider_str division; /* id of an emitted division */
	struct provider_str body;     /* the campaign type that calls its holders: "congress" */
	struct provider_str chamber;  /* "senate" */
	struct provider_str title;    /* how a holder is addressed: "Senator" */
	struct provider_str district; /* short, for people: "CA-11", "CA" */
	uint32_t classification;      /* enum provider_chamber, one of them */
	uint32_t flags;               /* enum provider_post_flags */
	struct provider_from from;
};

struct provider_person {
	uint32_t size;
	struct provider_str id; /* scheme and id, unique in the country: "bioguide:S000148". The host puts the country in front */
	struct provider_str name;                    /* as it is said: "Charles E. Schumer" */
	struct provider_str given_name, family_name; /* may be absent */
	struct provider_from from;
};

/* Who holds which post. */
struct provider_membership {
	uint32_t size;
	struct provider_str person, post;  /* ids of emitted records */
	struct provider_str party, caucus; /* caucus: the party a member sits with, where it is another; else absent */
	struct provider_str start, end;    /* "2025-01-03", or absent. A passed end is no proof of anything: emit a warning */
	struct provider_str phone;         /* the number to dial, E.164; absent: unreachable, which is kept and told to callers */
	struct provider_str phone_location; /* where that telephone stands, as it is said to a caller: "DC" */
	uint32_t rank;                      /* seniority among the holders of one chamber in one division, 1 first; 0: none */
	struct provider_from from;
};

/* A further office of a person. */
struct provider_office {
	uint32_t size;
	struct provider_str id;                                        /* unique in the country */
	struct provider_str person;                                    /* id of an emitted person */
	struct provider_str kind;                                      /* "capitol", "district", "constituency" */
	struct provider_str phone;                                     /* E.164, or absent */
	struct provider_str address, city, region, postal_code, hours; /* each may be absent */
	double latitude, longitude;                                    /* degrees (WGS 84), where has_point is not 0 */
	uint32_t has_point;
	struct provider_from from;
};

/* A postal code, or the part of one, that lies in a division; one record per division. Divisions around it are implied. */
struct provider_postal_code {
	uint32_t size;
	struct provider_str code;     /* as normalize_postcode gives it; at most 15 bytes */
	struct provider_str division; /* id of the smallest emitted division */
	uint32_t weight;              /* millionths of the code's addresses that lie in it; 0: not known */
	struct provider_from from;
};

enum provider_warning_kind {
	PROVIDER_W_VACANCY = 1,    /* why a post has no holder */
	PROVIDER_W_TERM_ENDED = 2, /* listed as serving, but the listed end has passed */
	PROVIDER_W_NO_PHONE = 3,
	PROVIDER_W_INCOMPLETE = 4, /* a usual field is missing, or a record was left out: say which and what was done instead */
	PROVIDER_W_OTHER = 5,
};

/* Something a person should know and that stops nothing. Where a vacant post gets none, the host writes one. */
struct provider_warning {
	uint32_t size;
	uint32_t kind;               /* enum provider_warning_kind */
	struct provider_str subject; /* id of the post or person, or absent */
	struct provider_str text;    /* a sentence */
	struct provider_from from;
};

/* Each copies what it is given and returns 0 or the code to return at once; the host has noted the reason. */
struct provider_sink {
	uint32_t size;
	void *ctx; /* first argument of every function */
	int (*division)(void *ctx, const struct provider_division *record);
	int (*post)(void *ctx, const struct provider_post *record);
	int (*person)(void *ctx, const struct provider_person *record);
	int (*membership)(void *ctx, const struct provider_membership *record);
	int (*office)(void *ctx, const struct provider_office *record);
	int (*postal_code)(void *ctx, const struct provider_postal_code *record);
	int (*warning)(void *ctx, const struct provider_warning *record);
};

/* ---- the manifest: constant data of the plugin */

enum provider_document_flags {
	PROVIDER_DOCUMENT_OPTIONAL = 1, /* compile() goes on without it */
};

/* A document the plugin reads. The host finds or downloads it. */
struct provider_document {
	uint32_t size;
	uint32_t flags;           /* enum provider_document_flags */
	const char *name;         /* word for people and messages: "members" */
	const char *const *files; /* file names it may have, best first, NULL at the end; at least one */
	const char *address;      /* https address of the public original */
	const char *licence;      /* "CC0-1.0" */
	uint64_t max_size;        /* bytes; more is refused */
};

struct provider_subtype {
	uint32_t size;
	uint32_t chambers; /* enum provider_chamber, or-ed: whose holders are called */
	const char *name;  /* "both" */
	const char *label; /* "Both chambers" */
};

enum provider_order_rule {
	PROVIDER_ORDER_AS_LISTED = 1,
	PROVIDER_ORDER_SHUFFLE = 2,
	PROVIDER_ORDER_UPPER_FIRST = 3,
	PROVIDER_ORDER_LOWER_FIRST = 4,
	PROVIDER_ORDER_PARTY_FIRST = 5, /* of `party`, then the others */
	PROVIDER_ORDER_PARTY_ONLY = 6,  /* of `party` only */
};

struct provider_order {
	uint32_t size;
	uint32_t rule;     /* enum provider_order_rule */
	const char *name;  /* "upper-first" */
	const char *label; /* "Senate first" */
	const char *party; /* of the party rules, as memberships have it; else NULL */
};

enum provider_locate { PROVIDER_LOCATE_POSTAL = 1 };

/* A kind of campaign the country has. The first subtype and the first order are the presets. */
struct provider_campaign {
	uint32_t size;
	uint32_t locate;                                /* enum provider_locate, or-ed: how its targets can be found */
	const char *name;                               /* "congress"; posts refer to it as their body */
	const char *label;                              /* "Congress" */
	const struct provider_subtype *const *subtypes; /* NULL at the end; at least one */
	const struct provider_order *const *orders;     /* NULL at the end; at least one */
};

/* A document as it is handed to compile(). content.ptr is NULL where an optional one is absent. */
struct provider_content {
	uint32_t size;
	const struct provider_document *document; /* of the manifest */
	struct provider_str file;                 /* its file name, for messages */
	struct provider_str content;              /* all of it */
};

struct provider_ops {
	uint32_t size;
	/* Reads the documents, one per entry of the manifest and in its order, and emits all records. */
	int (*compile)(const struct provider_call *call, const struct provider_content *const *documents, uint32_t count,
	               const struct provider_sink *sink);
	/* A postal code as people write or key it to the form of the records; PROVIDER_E_INPUT where it cannot be one. */
	int (*normalize_postcode)(const struct provider_call *call, struct provider_str input, struct provider_str *ret_code);
};

struct provider_manifest {
	uint32_t size;
	uint32_t abi;          /* PROVIDER_ABI */
	uint32_t min_host_abi; /* oldest host that will do */
	char country[8];       /* ISO 3166-1 alpha-2 in lower case, NUL-padded; "xa" to "xz" are nobody's and serve examples */
	const char *name;      /* of the country: "United States" */
	const char *version;   /* of the plugin; a change of what it makes of the same documents is a change of version */
	const char *licence;   /* of the plugin */
	const struct provider_document *const *documents; /* NULL at the end; at least one */
	const struct provider_campaign *const *campaigns; /* NULL at the end; at least one */
	const struct provider_ops *ops;
};

/* The one exported symbol of a plugin; it returns the address of a constant. */
#define PROVIDER_EXPORT __attribute__((visibility("default")))
PROVIDER_EXPORT const struct provider_manifest *provider_manifest(void);

#endif
