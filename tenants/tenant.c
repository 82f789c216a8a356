#include "base/memory.h"
#include "tenants/registry.h"
#include "tenants_private.h"

#include <stdatomic.h>
#include <stdlib.h>

const char *const cp_carrier_hosts[] = {"api.twilio.com", "api.dublin.ie1.twilio.com", "api.sydney.au1.twilio.com", NULL};

struct cp_tenant_shared {
	atomic_size_t references;
	size_t size;
};

/* One block: the tenant, its count of references, its lists and all text. */
struct object {
	struct cp_tenant tenant;
	struct cp_tenant_shared shared;
	struct cp_str lists[];
};

const char *cp_tenant_status_word(enum cp_tenant_status status)
{
	switch (status) {
	case CP_TENANT_ACTIVE:
		return "active";
	case CP_TENANT_SUSPENDED:
		return "suspended";
	case CP_TENANT_CLOSING:
		return "closing";
	}
	return "unknown";
}

const char *cp_tenant_secret_name(enum cp_tenant_secret secret)
{
	switch (secret) {
	case CP_TENANT_AUTH_TOKEN:
		return "carrier_auth_token";
	case CP_TENANT_API_KEY_SECRET:
		return "carrier_api_key_secret";
	case CP_TENANT_PHONE_HASH_KEY:
		return "phone_hash_key";
	case CP_TENANT_SECRETS:
		break;
	}
	return "unknown";
}

/* Where each text of a tenant is, in the order in which they are stored. */
enum { TEXTS = 9 + CP_TENANT_SECRETS };

static void texts_of(struct cp_tenant *tenant, struct cp_str *ret_texts[TEXTS])
{
	struct cp_str *const named[] = {&tenant->slug,        &tenant->name,        &tenant->voice_token,
	                                &tenant->account_sid, &tenant->api_key_sid, &tenant->carrier_host,
	                                &tenant->country,     &tenant->language,    &tenant->wrapped_key};
	_Static_assert(CP_COUNT(named) + CP_TENANT_SECRETS == TEXTS, "every text of a tenant");
	memcpy(ret_texts, named, sizeof(named));
	for (size_t i = 0; i < CP_TENANT_SECRETS; ++i)
		ret_texts[CP_COUNT(named) + i] = &tenant->sealed[i];
}

static void move_text(struct cp_str *text, char **end)
{
	if (text->len != 0)
		memcpy(*end, text->ptr, text->len);
	text->ptr = *end;
	*end += text->len;
}

static void move_list(const struct cp_str **list, size_t count, struct cp_str **free_entries, char **end)
{
	struct cp_str *copies = *free_entries;
	for (size_t i = 0; i < count; ++i) {
		copies[i] = (*list)[i];
		move_text(&copies[i], end);
	}
	*list = copies;
	*free_entries += count;
}

const struct cp_tenant *cp_tenant_new(const struct cp_tenant *fields)
{
	struct cp_tenant tenant = *fields;
	struct cp_str *texts[TEXTS];
	texts_of(&tenant, texts);
	size_t entries = tenant.host_count + tenant.number_count, size = sizeof(struct object) + entries * sizeof(struct cp_str);
	for (size_t i = 0; i < TEXTS; ++i)
		size += texts[i]->len;
	for (size_t i = 0; i < tenant.host_count; ++i)
		size += tenant.hosts[i].len;
	for (size_t i = 0; i < tenant.number_count; ++i)
		size += tenant.numbers[i].len;

	struct object *object = cp_alloc(size);
	struct cp_str *free_entries = object->lists;
	char *end = (char *)(object->lists + entries);
	for (size_t i = 0; i < TEXTS; ++i)
		move_text(texts[i], &end);
	move_list(&tenant.hosts, tenant.host_count, &free_entries, &end);
	move_list(&tenant.numbers, tenant.number_count, &free_entries, &end);
	object->tenant = tenant;
	object->tenant.shared = &object->shared;
	object->shared.size = size;
	atomic_init(&object->shared.references, 1);
	return &object->tenant;
}

const struct cp_tenant *cp_tenant_ref(const struct cp_tenant *tenant)
{
	atomic_fetch_add_explicit(&tenant->shared->references, 1, memory_order_relaxed);
	return tenant;
}

const struct cp_tenant *cp_tenant_unref(const struct cp_tenant *tenant)
{
	/* Acquire and release, so that whoever frees it sees all that others did with it. */
	if (tenant != NULL && atomic_fetch_sub_explicit(&tenant->shared->references, 1, memory_order_acq_rel) == 1)
		free(CP_CONTAINER_OF(tenant->shared, struct object, shared));
	return NULL;
}

size_t cp_tenant_memory(const struct cp_tenant *tenant)
{
	return tenant->shared->size;
}
