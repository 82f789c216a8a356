#include "tenants/hosts.h"
#include "base/memory.h"

/* Names under the platform's domain, and path words, that no organization may take. */
static const char *const reserved_slugs[] = {
    "www",    "api",    "app",    "admin",   "console",   "login",     "account",      "accounts", "auth",
    "static", "assets", "cdn",    "embed",   "call",      "calls",     "voice",        "webhook",  "webhooks",
    "o",      "health", "status", "metrics", "help",      "docs",      "support",      "mail",     "smtp",
    "imap",   "ftp",    "ns1",    "ns2",     "localhost", "callpower", "autodiscover", "mta-sts",
};

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Takes ":PORT" off; what follows the last colon must be digits (RFC 9110 allows none). */
static struct cp_str without_port(struct cp_str host)
{
	for (size_t i = host.len; i-- > 0;) {
		if (host.ptr[i] == ':')
			return cp_str_n(host.ptr, i);
		if (!is_digit(host.ptr[i]))
			break;
	}
	return host;
}

static bool is_ipv6_literal(struct cp_str host)
{
	if (host.len < 4 || host.ptr[0] != '[' || host.ptr[host.len - 1] != ']')
		return false;
	for (size_t i = 1; i + 1 < host.len; ++i) {
		char c = host.ptr[i];
		if (!is_digit(c) && !(c >= 'a' && c <= 'f') && c != ':' && c != '.')
			return false;
	}
	return true;
}

/* Labels of 1 to 63 of [a-z0-9-_], none of them beginning or ending with a hyphen. */
static bool is_dns_name(struct cp_str host)
{
	for (struct cp_str rest = host; rest.ptr != NULL;) {
		struct cp_str label = cp_str_split(rest, '.', &rest);
		if (label.len == 0 || label.len > 63 || label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
			return false;
		for (size_t i = 0; i < label.len; ++i)
			if (!is_name_char(label.ptr[i]) && label.ptr[i] != '_')
				return false;
	}
	return true;
}

int cp_host_normalize(struct cp_str header, char out[CP_HOST_SIZE], struct cp_str *ret_host)
{
	struct cp_str host = without_port(header);
	if (host.len != 0 && host.ptr[host.len - 1] == '.')
		--host.len;
	if (host.len == 0 || host.len >= CP_HOST_SIZE)
		return cp_fail(CP_E_INPUT, "the request names no host");
	for (size_t i = 0; i < host.len; ++i) {
		char c = host.ptr[i];
		out[i] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
	}
	out[host.len] = '\0';
	host.ptr = out;
	if (!is_dns_name(host) && !is_ipv6_literal(host))
		return cp_fail(CP_E_INPUT, "the request's host is not a host name");
	*ret_host = host;
	return 0;
}

bool cp_slug_is_valid(struct cp_str slug)
{
	if (slug.len == 0 || slug.len > CP_SLUG_MAX || slug.ptr[0] == '-' || slug.ptr[slug.len - 1] == '-')
		return false;
	for (size_t i = 0; i < slug.len; ++i)
		if (!is_name_char(slug.ptr[i]))
			return false;
	for (size_t i = 0; i < CP_COUNT(reserved_slugs); ++i)
		if (cp_str_eq(slug, cp_str(reserved_slugs[i])))
			return false;
	return true;
}

static bool is_within(struct cp_str host, struct cp_str domain)
{
	return cp_str_eq(host, domain) ||
	       (host.len > domain.len && cp_str_ends(host, domain) && host.ptr[host.len - domain.len - 1] == '.');
}

bool cp_custom_host_is_valid(struct cp_str host, struct cp_str base_domain)
{
	char normal[CP_HOST_SIZE];
	struct cp_str same;
	if (cp_host_normalize(host, normal, &same) != 0 || !cp_str_eq(host, same) || !is_dns_name(host))
		return false;
	if (base_domain.len != 0 && is_within(host, base_domain))
		return false;
	/* A last label that begins with a digit is an IPv4 address (RFC 3696 section 2): no top-level domain does. */
	struct cp_str last = host;
	size_t dots = 0;
	for (struct cp_str rest = host; rest.ptr != NULL; ++dots)
		last = cp_str_split(rest, '.', &rest);
	return dots > 1 && !is_digit(last.ptr[0]);
}

int cp_tenant_resolve(const struct cp_registry_snapshot *snapshot, struct cp_str host_header, struct cp_str path,
                      const struct cp_tenant **ret_tenant, struct cp_str *ret_path)
{
	char normal[CP_HOST_SIZE];
	struct cp_str host;
	int error = cp_host_normalize(host_header, normal, &host);
	if (error != 0)
		return error;
	const struct cp_tenant *by_host = cp_registry_by_host(snapshot, host), *tenant = by_host;
	if (cp_str_starts(path, CP_STR("/o/"))) {
		struct cp_str rest, slug = cp_str_split(cp_str_n(path.ptr + 3, path.len - 3), '/', &rest);
		tenant = cp_registry_by_slug(snapshot, slug);
		/* The slash in front of what follows belongs to it; "/o/slug" alone means the organization's first page. */
		path = rest.ptr == NULL ? CP_STR("/") : cp_str_n(rest.ptr - 1, rest.len + 1);
		if (by_host != NULL && tenant != by_host)
			tenant = NULL; /* an organization's host shows nobody else's pages */
	}
	if (tenant == NULL)
		return cp_fail(CP_E_NOTFOUND, "no organization is known here under this address");
	*ret_tenant = tenant;
	*ret_path = path;
	return 0;
}
