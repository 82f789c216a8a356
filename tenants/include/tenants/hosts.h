/*
 * Which organization a request is for: by its Host header (an organization's own domain, or its slug in front of the platform's
 * domain), or by /o/SLUG/ at the beginning of its path where the host names nobody. Any thread.
 */
#ifndef TENANTS_HOSTS_H
#define TENANTS_HOSTS_H

#include "tenants/registry.h"

enum { CP_HOST_SIZE = 254, CP_SLUG_MAX = 40 };

/*
 * A Host header's name in the form that look-ups take: lower case, without port and trailing dot. An IPv6 address keeps its
 * brackets. CP_E_INPUT for what is no host name. *ret_host lies in out.
 */
int cp_host_normalize(struct cp_str header, char out[CP_HOST_SIZE], struct cp_str *ret_host);

/* True for [a-z0-9] and inner hyphens, 1 to CP_SLUG_MAX characters, and no name that the platform needs itself (www, api, ...).
 */
bool cp_slug_is_valid(struct cp_str slug);
/* True for a domain that an organization may bring: normalized, with a dot, no address, not within base_domain. */
bool cp_custom_host_is_valid(struct cp_str host, struct cp_str base_domain);

/*
 * The tenant of a request. path is its path without the query; *ret_path is what follows "/o/SLUG" (it begins with a slash), or
 * path where the host named the tenant. CP_E_INPUT for a malformed host, CP_E_NOTFOUND where nobody is meant, and where host and
 * path name different tenants.
 */
int cp_tenant_resolve(const struct cp_registry_snapshot *snapshot, struct cp_str host_header, struct cp_str path,
                      const struct cp_tenant **ret_tenant, struct cp_str *ret_path);

#endif
