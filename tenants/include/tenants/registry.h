/*
 * All organizations of the instance, in memory: from a host name, a slug or a webhook's token to the tenant without a round trip
 * to the database, in a time that does not grow with the number of tenants.
 *
 * A snapshot is immutable. The feed (feed.h) publishes a new one when a tenant changes; tenants that did not change are shared
 * between snapshots. A tenant of a snapshot is ciphertext as far as secrets go: the vault opens them (vault.h).
 *
 * Memory: about 1 KiB a tenant, mostly its name, hosts and sealed secrets (tests/bench measures it).
 */
#ifndef TENANTS_REGISTRY_H
#define TENANTS_REGISTRY_H

#include "base/str.h"
#include "db/db.h"

enum cp_tenant_status {
	CP_TENANT_ACTIVE = 1,
	CP_TENANT_SUSPENDED, /* by the operator: nothing new starts; calls under way end in order */
	CP_TENANT_CLOSING,   /* being destroyed: nothing is served */
};

/* Secrets of a tenant, sealed under its data key. The names are those of tenant_secret.name. */
enum cp_tenant_secret {
	CP_TENANT_AUTH_TOKEN,     /* carrier_auth_token: signs the carrier's webhooks; REST password where there is no API key */
	CP_TENANT_API_KEY_SECRET, /* carrier_api_key_secret: REST password of api_key_sid */
	CP_TENANT_PHONE_HASH_KEY, /* phone_hash_key: for look-ups of supporters' numbers */
	CP_TENANT_SECRETS
};

/* Everything is text that belongs to the tenant, len 0 where there is none. Immutable. */
struct cp_tenant {
	struct cp_tenant_shared *shared; /* private: the count of references */
	struct cp_tenant_id id;
	int64_t revision; /* grows with every change of the tenant, its hosts, secrets, key or numbers */
	enum cp_tenant_status status;
	struct cp_str slug;         /* [a-z0-9-], 1 to 40 characters */
	struct cp_str name;         /* for people, UTF-8 */
	struct cp_str voice_token;  /* in webhooks' addresses: crypto/token.h's form */
	struct cp_str account_sid;  /* AC... at the carrier */
	struct cp_str api_key_sid;  /* SK..., or absent */
	struct cp_str carrier_host; /* api.twilio.com or another of cp_carrier_hosts */
	struct cp_str country;      /* default country, ISO 3166-1 alpha-2, upper case */
	struct cp_str language;     /* default language, BCP 47 */
	const struct cp_str *hosts; /* its own domains, lower case */
	size_t host_count;
	const struct cp_str *numbers; /* E.164 numbers that it may call from, as it owns them at the carrier */
	size_t number_count;
	struct cp_str wrapped_key; /* its data key under the master key */
	struct cp_str sealed[CP_TENANT_SECRETS];
};

/* Carrier hosts that an organization may use, ended by NULL; anything else is refused by the command line and the database. */
extern const char *const cp_carrier_hosts[];

const char *cp_tenant_status_word(enum cp_tenant_status status);
/* The value of tenant_secret.name. */
const char *cp_tenant_secret_name(enum cp_tenant_secret secret);

/* Another reference: for work that outlives the snapshot it found the tenant in (anything that waits for an answer). Any thread.
 */
const struct cp_tenant *cp_tenant_ref(const struct cp_tenant *tenant);
/* Accepts NULL; returns NULL. */
const struct cp_tenant *cp_tenant_unref(const struct cp_tenant *tenant);
/* A copy of all fields, with one reference; shared is ignored. For the feed, commands and tests. */
const struct cp_tenant *cp_tenant_new(const struct cp_tenant *fields);

/* ---- snapshots */

struct cp_registry_snapshot;

/*
 * Takes over the references to the tenants. Of two with one slug, host or token the first has it; the database forbids it.
 * base_domain (may be absent): `slug.base_domain` is a tenant's host.
 */
struct cp_registry_snapshot *cp_registry_snapshot_new(const struct cp_tenant **tenants, size_t count, struct cp_str base_domain);
struct cp_registry_snapshot *cp_registry_snapshot_ref(struct cp_registry_snapshot *snapshot);
struct cp_registry_snapshot *cp_registry_snapshot_unref(struct cp_registry_snapshot *snapshot);

/*
 * Look-ups: NULL where there is none. What they return belongs to the snapshot: take a reference to keep it longer. Tenants of
 * every status are found; what a status allows is the caller's matter.
 */
const struct cp_tenant *cp_registry_by_voice_token(const struct cp_registry_snapshot *snapshot, struct cp_str token);
const struct cp_tenant *cp_registry_by_slug(const struct cp_registry_snapshot *snapshot, struct cp_str slug);
/* host: normalized (cp_host_normalize). Its own domains, then slug.base_domain. */
const struct cp_tenant *cp_registry_by_host(const struct cp_registry_snapshot *snapshot, struct cp_str host);
const struct cp_tenant *cp_registry_by_id(const struct cp_registry_snapshot *snapshot, struct cp_tenant_id id);
size_t cp_registry_count(const struct cp_registry_snapshot *snapshot);
/* In the order of their ids; index < cp_registry_count(). */
const struct cp_tenant *cp_registry_at(const struct cp_registry_snapshot *snapshot, size_t index);
struct cp_str cp_registry_base_domain(const struct cp_registry_snapshot *snapshot);
/* Heap bytes of the snapshot and its tenants. */
size_t cp_registry_memory(const struct cp_registry_snapshot *snapshot);

/* ---- the current snapshot */

struct cp_registry;

/* Starts with an empty snapshot. base_domain (NULL: none) is copied, in lower case. */
struct cp_registry *cp_registry_new(const char *base_domain);
/* Readers must be gone. Accepts NULL; returns NULL. */
struct cp_registry *cp_registry_free(struct cp_registry *registry);
/* Makes it the current one; takes over the reference. Any thread. */
void cp_registry_publish(struct cp_registry *registry, struct cp_registry_snapshot *snapshot);
/* The current one, with a reference of the caller's. Takes a lock: request paths use a reader. Any thread. */
struct cp_registry_snapshot *cp_registry_current(struct cp_registry *registry);

/* A thread's view: one a thread, made, used and freed there. Costs one atomic read where nothing was published. */
struct cp_registry_reader;
struct cp_registry_reader *cp_registry_reader_new(struct cp_registry *registry);
struct cp_registry_reader *cp_registry_reader_free(struct cp_registry_reader *reader);
/* Borrowed until the next call for this reader: fetch it anew in each callback, and cp_tenant_ref() what must stay. */
const struct cp_registry_snapshot *cp_registry_reader_get(struct cp_registry_reader *reader);

#endif
