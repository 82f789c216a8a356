/* Is a manifest one that the program can use? It comes from a stranger's program: nothing in it is taken for granted. */
#include "internal.h"

#include "base/memory.h"
#include "geo/dataset.h"

#include <string.h>

enum { LARGEST_STRUCT = 4096, MOST_ENTRIES = 64, LONGEST_TEXT = 500 };

static int check_size(uint32_t size, size_t known, const char *what)
{
	/* `known` is what ABI 1 began with; a plugin of a later time has more, never less. */
	if (size < known || size > LARGEST_STRUCT)
		return cp_fail(CP_E_INPUT, "the size of its %s is %u bytes, not %zu to %d", what, size, known, LARGEST_STRUCT);
	return 0;
}

static int check_text(const char *text, const char *what)
{
	if (text == NULL)
		return cp_fail(CP_E_INPUT, "its %s is NULL", what);
	size_t len = strnlen(text, LONGEST_TEXT + 1);
	if (len == 0 || len > LONGEST_TEXT)
		return cp_fail(CP_E_INPUT, "its %s is empty or longer than %d bytes", what, LONGEST_TEXT);
	if (!cp_str_is_utf8(cp_str_n(text, len)))
		return cp_fail(CP_E_INPUT, "its %s is not UTF-8 text", what);
	return 0;
}

/* A name that stands in commands, addresses and rows. */
static int check_name(const char *name, const char *what)
{
	int error = check_text(name, what);
	if (error != 0)
		return error;
	if (strlen(name) > 40 || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") != strlen(name))
		return cp_fail(CP_E_INPUT,
		               "its %s \"%.60s\" has other characters than a-z, 0-9, \"-\" and \"_\", or more than 40", what,
		               name);
	return 0;
}

/* Counts a NULL-ended array: 1 to MOST_ENTRIES entries. */
static int count_entries(const void *array, const char *what, size_t *ret_count)
{
	const void *const *entries = array;
	size_t count = 0;
	while (entries != NULL && count <= MOST_ENTRIES && entries[count] != NULL)
		++count;
	if (count == 0 || count > MOST_ENTRIES)
		return cp_fail(CP_E_INPUT, "it has no %s, or more than %d", what, MOST_ENTRIES);
	*ret_count = count;
	return 0;
}

static int check_file_name(const char *file)
{
	int error = check_text(file, "document's file name");
	if (error == 0 && (strchr(file, '/') != NULL || file[0] == '.'))
		error = cp_fail(CP_E_INPUT, "its document's file name \"%.60s\" is no plain name", file);
	return error;
}

static int check_document(const struct provider_document *document)
{
	size_t files = 0;
	int error = check_size(document->size, sizeof(*document), "document");
	if (error == 0)
		error = check_name(document->name, "document's name");
	if (error == 0)
		error = check_text(document->address, "document's address");
	if (error == 0 && strncmp(document->address, "https://", 8) != 0)
		error = cp_fail(CP_E_INPUT, "its document's address \"%.100s\" does not start with https://", document->address);
	if (error == 0)
		error = check_text(document->licence, "document's licence");
	if (error == 0 && document->max_size == 0)
		error = cp_fail(CP_E_INPUT, "its document \"%s\" has no maximum size", document->name);
	if (error == 0)
		error = count_entries(document->files, "file name of a document", &files);
	for (size_t i = 0; i < files && error == 0; ++i)
		error = check_file_name(document->files[i]);
	return error;
}

static int check_subtype(const struct provider_subtype *subtype)
{
	int error = check_size(subtype->size, sizeof(*subtype), "subtype");
	if (error == 0)
		error = check_name(subtype->name, "subtype's name");
	if (error == 0)
		error = check_text(subtype->label, "subtype's label");
	if (error == 0 && (subtype->chambers == 0 || subtype->chambers >= PROVIDER_OTHER * 2))
		error = cp_fail(CP_E_INPUT, "its subtype \"%s\" names no chambers, or unknown ones", subtype->name);
	return error;
}

static int check_order(const struct provider_order *order)
{
	int error = check_size(order->size, sizeof(*order), "order");
	if (error == 0)
		error = check_name(order->name, "order's name");
	if (error == 0)
		error = check_text(order->label, "order's label");
	if (error == 0 && (order->rule < PROVIDER_ORDER_AS_LISTED || order->rule > PROVIDER_ORDER_PARTY_ONLY))
		error = cp_fail(CP_E_INPUT, "its order \"%s\" has the unknown rule %u", order->name, order->rule);
	if (error == 0 && (order->rule == PROVIDER_ORDER_PARTY_FIRST || order->rule == PROVIDER_ORDER_PARTY_ONLY))
		error = check_text(order->party, "order's party");
	return error;
}

static int check_campaign(const struct provider_campaign *campaign)
{
	size_t subtypes = 0, orders = 0;
	int error = check_size(campaign->size, sizeof(*campaign), "campaign");
	if (error == 0)
		error = check_name(campaign->name, "campaign's name");
	if (error == 0)
		error = check_text(campaign->label, "campaign's label");
	if (error == 0)
		error = count_entries(campaign->subtypes, "subtype of a campaign", &subtypes);
	for (size_t i = 0; i < subtypes && error == 0; ++i)
		error = check_subtype(campaign->subtypes[i]);
	if (error == 0)
		error = count_entries(campaign->orders, "order of a campaign", &orders);
	for (size_t i = 0; i < orders && error == 0; ++i)
		error = check_order(campaign->orders[i]);
	return error;
}

static int check_country(const char country[8])
{
	size_t len = strnlen(country, 8);
	if (len < 2 || len > 7 || strspn(country, "abcdefghijklmnopqrstuvwxyz") != len)
		return cp_fail(CP_E_INPUT, "its country is not a code of 2 to 7 letters in lower case");
	return 0;
}

static int check_ops(const struct provider_ops *ops)
{
	if (ops == NULL)
		return cp_fail(CP_E_INPUT, "its ops are NULL");
	int error = check_size(ops->size, sizeof(*ops), "ops");
	if (error == 0 && (ops->compile == NULL || ops->normalize_postcode == NULL))
		error = cp_fail(CP_E_INPUT, "its function %s is NULL", ops->compile == NULL ? "compile" : "normalize_postcode");
	return error;
}

int cp_manifest_check(const struct provider_manifest *manifest)
{
	if (manifest == NULL)
		return cp_fail(CP_E_INPUT, "its manifest is NULL");
	if ((uintptr_t)manifest % _Alignof(struct provider_manifest) != 0)
		return cp_fail(CP_E_INPUT, "its manifest is not aligned");
	/* First the ABI: the other members may lie elsewhere in another one. */
	if (manifest->size < offsetof(struct provider_manifest, country) || manifest->size > LARGEST_STRUCT)
		return check_size(manifest->size, sizeof(*manifest), "manifest");
	if (manifest->abi != PROVIDER_ABI)
		return cp_fail(CP_E_UNSUPPORTED, "it was built for ABI %u, this program knows ABI %u", manifest->abi,
		               PROVIDER_ABI);
	if (manifest->min_host_abi > PROVIDER_ABI)
		return cp_fail(CP_E_UNSUPPORTED, "it needs a program that knows ABI %u, this one knows ABI %u",
		               manifest->min_host_abi, PROVIDER_ABI);
	size_t documents = 0, campaigns = 0;
	int error = check_size(manifest->size, sizeof(*manifest), "manifest");
	if (error == 0)
		error = check_country(manifest->country);
	if (error == 0)
		error = check_text(manifest->name, "name");
	if (error == 0)
		error = check_text(manifest->version, "version");
	if (error == 0)
		error = check_text(manifest->licence, "licence");
	if (error == 0)
		error = check_ops(manifest->ops);
	if (error == 0)
		error = count_entries(manifest->documents, "document", &documents);
	for (size_t i = 0; i < documents && error == 0; ++i)
		error = check_document(manifest->documents[i]);
	if (error == 0)
		error = count_entries(manifest->campaigns, "campaign", &campaigns);
	for (size_t i = 0; i < campaigns && error == 0; ++i)
		error = check_campaign(manifest->campaigns[i]);
	return error;
}

_Static_assert((int)PROVIDER_UPPER == (int)CP_CHAMBER_UPPER && (int)PROVIDER_OTHER == (int)CP_CHAMBER_OTHER,
               "chambers are the same numbers in plugins and datasets");
_Static_assert((int)PROVIDER_ORDER_AS_LISTED == (int)CP_ORDER_AS_LISTED &&
                   (int)PROVIDER_ORDER_PARTY_ONLY == (int)CP_ORDER_PARTY_ONLY,
               "orders are the same numbers in plugins and datasets");
_Static_assert((int)PROVIDER_W_VACANCY == (int)CP_DATASET_VACANCY && (int)PROVIDER_W_OTHER == (int)CP_DATASET_OTHER_WARNING,
               "warnings are the same numbers in plugins and datasets");
