/* callpower tenant: organizations, for the platform's operator. */
#include "base/arena.h"
#include "base/memory.h"
#include "command.h"
#include "crypto/secret.h"
#include "operator.h"
#include "tenants/admin.h"
#include "tenants/feed.h"
#include "tenants/hosts.h"

#include <stdio.h>
#include <string.h>

enum {
	MAX_PARTS = 64,         /* hosts or numbers in one command */
	MAX_SECRET_FILE = 4096, /* bytes */
	VAULT_SECRETS = 8,      /* a command opens one tenant at a time */
};

/* Everything that any subcommand takes from the command line. */
struct arguments {
	const char *slug, *second; /* positional */
	const char *name, *account_sid, *auth_token_file, *api_key_sid, *api_key_secret_file, *carrier_host, *country, *language,
	    *yes;
	const char *no_api_key;
	const char *hosts[MAX_PARTS], *numbers[MAX_PARTS];
	size_t host_count, number_count;
};

struct context {
	const struct cp_settings *settings;
	struct arguments args;
	struct cp_db_blocking *db;
	struct cp_vault *vault; /* for subcommands that seal or open */
	struct cp_arena *arena;
};

struct subcommand {
	const char *words; /* "number add" */
	int positional;    /* arguments after the words */
	bool seals;
	int (*run)(struct context *context);
};

/* ---- input */

/* The file's content without white space around it; the bytes live in *secret. */
static int read_secret(const char *path, struct cp_secret_bytes *secret, struct cp_str *ret_text)
{
	if (path == NULL)
		return 0;
	int error = cp_secret_read(path, MAX_SECRET_FILE, secret);
	if (error == 0)
		*ret_text = cp_str_trim(cp_str_n(secret->ptr, secret->len));
	return error;
}

static int read_secrets(const struct arguments *args, struct cp_secret_bytes secrets[2], struct cp_tenant_draft *draft)
{
	if (args->auth_token_file != NULL && args->api_key_secret_file != NULL && strcmp(args->auth_token_file, "-") == 0 &&
	    strcmp(args->api_key_secret_file, "-") == 0)
		return cp_fail(CP_E_INPUT, "only one secret can come from standard input");
	int error = read_secret(args->auth_token_file, &secrets[0], &draft->auth_token);
	return error != 0 ? error : read_secret(args->api_key_secret_file, &secrets[1], &draft->api_key_secret);
}

/* A host as an operator types it, in the form that look-ups take. */
static int normal_host(struct cp_arena *arena, const char *typed, struct cp_str *ret_host)
{
	char normal[CP_HOST_SIZE];
	struct cp_str host;
	if (strchr(typed, ':') != NULL || cp_host_normalize(cp_str(typed), normal, &host) != 0)
		return cp_fail(CP_E_INPUT, "\"%s\" is not a host name, as in calls.example.org", typed);
	*ret_host = cp_arena_str(arena, host);
	return 0;
}

static int make_draft(struct context *context, struct cp_tenant_draft *draft)
{
	const struct arguments *args = &context->args;
	struct cp_str *hosts = cp_arena_alloc_array(context->arena, MAX_PARTS, sizeof(*hosts));
	struct cp_str *numbers = cp_arena_alloc_array(context->arena, MAX_PARTS, sizeof(*numbers));
	for (size_t i = 0; i < args->host_count; ++i) {
		int error = normal_host(context->arena, args->hosts[i], &hosts[i]);
		if (error != 0)
			return error;
	}
	for (size_t i = 0; i < args->number_count; ++i)
		numbers[i] = cp_str(args->numbers[i]);
	*draft = (struct cp_tenant_draft){
	    .slug = cp_str(args->slug),
	    .name = cp_str(args->name),
	    .account_sid = cp_str(args->account_sid),
	    .api_key_sid = cp_str(args->api_key_sid),
	    .carrier_host = cp_str(args->carrier_host),
	    .country = cp_str(args->country),
	    .language = cp_str(args->language),
	    .hosts = hosts,
	    .host_count = args->host_count,
	    .numbers = numbers,
	    .number_count = args->number_count,
	};
	return 0;
}

static struct cp_str base_domain(const struct context *context)
{
	return cp_str(cp_settings_text(context->settings, "CALLPOWER_BASE_DOMAIN"));
}

static void wipe_secrets(struct cp_secret_bytes secrets[2])
{
	cp_secret_bytes_free(&secrets[0]);
	cp_secret_bytes_free(&secrets[1]);
}

/* ---- subcommands */

static int create(struct context *context)
{
	struct cp_secret_bytes secrets[2] = {{0}};
	struct cp_tenant_draft draft;
	struct cp_tenant_id id;
	if (context->args.name == NULL || context->args.account_sid == NULL || context->args.auth_token_file == NULL)
		return cp_fail(CP_E_INPUT, "--name, --account-sid and --auth-token-file are needed");
	int error = make_draft(context, &draft);
	if (error == 0)
		error = read_secrets(&context->args, secrets, &draft);
	if (error == 0)
		error = cp_tenant_create(context->db, context->vault, &draft, base_domain(context), &id);
	wipe_secrets(secrets);
	if (error == 0)
		printf("organization %s created (id %lld)\n", context->args.slug, (long long)id.value);
	return error;
}

static int list(struct context *context)
{
	struct cp_registry *registry = cp_registry_new(NULL);
	int error = cp_registry_refresh_blocking(registry, context->db);
	struct cp_registry_snapshot *all = cp_registry_current(registry);
	for (size_t i = 0; error == 0 && i < cp_registry_count(all); ++i) {
		const struct cp_tenant *tenant = cp_registry_at(all, i);
		if (i == 0)
			printf("%-24s %-10s %8s %6s  %s\n", "slug", "status", "numbers", "hosts", "name");
		printf("%-24.*s %-10s %8zu %6zu  %.*s\n", CP_STR_ARG(tenant->slug), cp_tenant_status_word(tenant->status),
		       tenant->number_count, tenant->host_count, CP_STR_ARG(tenant->name));
	}
	cp_registry_snapshot_unref(all);
	cp_registry_free(registry);
	return error;
}

static void print_words(const char *label, const struct cp_str *words, size_t count)
{
	printf("%s:", label);
	for (size_t i = 0; i < count; ++i)
		printf(" %.*s", CP_STR_ARG(words[i]));
	puts(count == 0 ? " none" : "");
}

static void print_key(const struct cp_tenant *tenant)
{
	uint32_t id;
	if (tenant->wrapped_key.len == 0)
		puts("data key: destroyed");
	else if (cp_seal_key_id(tenant->wrapped_key, &id) != 0)
		puts("data key: damaged");
	else
		printf("data key: wrapped by master key %08x\n", id);
}

/* What can be shown to whoever looks over the operator's shoulder: no secret, no token of webhooks. */
static int show(struct context *context)
{
	const struct cp_tenant *tenant;
	int error = cp_tenant_find(context->db, cp_str(context->args.slug), &tenant);
	if (error != 0)
		return error;
	printf("slug: %.*s\nname: %.*s\nid: %lld\nstatus: %s\n", CP_STR_ARG(tenant->slug), CP_STR_ARG(tenant->name),
	       (long long)tenant->id.value, cp_tenant_status_word(tenant->status));
	printf("account SID: %.*s\nauth token: %s\nAPI key: %.*s\ncarrier: %.*s\n", CP_STR_ARG(tenant->account_sid),
	       tenant->sealed[CP_TENANT_AUTH_TOKEN].len != 0 ? "sealed" : "none",
	       tenant->api_key_sid.len == 0 ? 4 : (int)tenant->api_key_sid.len,
	       tenant->api_key_sid.len == 0 ? "none" : tenant->api_key_sid.ptr, CP_STR_ARG(tenant->carrier_host));
	print_words("numbers", tenant->numbers, tenant->number_count);
	print_words("hosts", tenant->hosts, tenant->host_count);
	printf("country: %.*s\nlanguage: %.*s\n", CP_STR_ARG(tenant->country), CP_STR_ARG(tenant->language));
	print_key(tenant);
	cp_tenant_unref(tenant);
	return 0;
}

static int set_status(struct context *context, enum cp_tenant_status status)
{
	int error = cp_tenant_set_status(context->db, cp_str(context->args.slug), status);
	if (error == 0)
		printf("organization %s is %s\n", context->args.slug, cp_tenant_status_word(status));
	return error;
}

static int suspend(struct context *context)
{
	return set_status(context, CP_TENANT_SUSPENDED);
}

static int resume(struct context *context)
{
	return set_status(context, CP_TENANT_ACTIVE);
}

static int credentials(struct context *context)
{
	const struct arguments *args = &context->args;
	struct cp_secret_bytes secrets[2] = {{0}};
	struct cp_tenant_draft changes;
	if (args->account_sid == NULL && args->auth_token_file == NULL && args->api_key_sid == NULL &&
	    args->api_key_secret_file == NULL && args->carrier_host == NULL && args->no_api_key == NULL)
		return cp_fail(CP_E_INPUT, "nothing to change is named");
	if (args->no_api_key != NULL && (args->api_key_sid != NULL || args->api_key_secret_file != NULL))
		return cp_fail(CP_E_INPUT, "--no-api-key and an API key contradict each other");
	int error = make_draft(context, &changes);
	if (error == 0)
		error = read_secrets(args, secrets, &changes);
	if (error == 0)
		error = cp_tenant_set_credentials(context->db, context->vault, cp_str(args->slug), &changes,
		                                  args->no_api_key != NULL);
	wipe_secrets(secrets);
	if (error == 0)
		printf("credentials of %s changed\n", args->slug);
	return error;
}

static int number_add(struct context *context)
{
	int error = cp_tenant_add_number(context->db, cp_str(context->args.slug), cp_str(context->args.second));
	if (error == 0)
		printf("%s may call from %s\n", context->args.slug, context->args.second);
	return error;
}

static int number_remove(struct context *context)
{
	int error = cp_tenant_remove_number(context->db, cp_str(context->args.slug), cp_str(context->args.second));
	if (error == 0)
		printf("%s calls from %s no more\n", context->args.slug, context->args.second);
	return error;
}

static int host_add(struct context *context)
{
	struct cp_str host;
	int error = normal_host(context->arena, context->args.second, &host);
	if (error == 0)
		error = cp_tenant_add_host(context->db, cp_str(context->args.slug), host, base_domain(context));
	if (error == 0)
		printf("%s is served at %.*s\n", context->args.slug, CP_STR_ARG(host));
	return error;
}

static int host_remove(struct context *context)
{
	struct cp_str host;
	int error = normal_host(context->arena, context->args.second, &host);
	if (error == 0)
		error = cp_tenant_remove_host(context->db, cp_str(context->args.slug), host);
	if (error == 0)
		printf("%s is no more served at %.*s\n", context->args.slug, CP_STR_ARG(host));
	return error;
}

static int rotate_keys(struct context *context)
{
	size_t rewrapped = 0;
	int error = cp_tenants_rewrap(context->db, context->vault, &rewrapped);
	printf("%zu data keys rewrapped by the first master key\n", rewrapped);
	return error;
}

static int destroy(struct context *context)
{
	struct cp_str statement;
	if (context->args.yes == NULL || strcmp(context->args.yes, context->args.slug) != 0)
		return cp_fail(CP_E_INPUT, "this cannot be undone: repeat the slug, as in `callpower tenant destroy %s --yes %s`",
		               context->args.slug, context->args.slug);
	int error = cp_tenant_destroy(context->db, cp_str(context->args.slug), context->arena, &statement);
	if (error == 0)
		printf("%.*s\n", CP_STR_ARG(statement));
	return error;
}

static const struct subcommand subcommands[] = {
    {"create", 1, true, create},
    {"list", 0, false, list},
    {"show", 1, false, show},
    {"suspend", 1, false, suspend},
    {"resume", 1, false, resume},
    {"credentials", 1, true, credentials},
    {"number add", 2, false, number_add},
    {"number remove", 2, false, number_remove},
    {"host add", 2, false, host_add},
    {"host remove", 2, false, host_remove},
    {"rotate-keys", 0, true, rotate_keys},
    {"destroy", 1, false, destroy},
};

/* ---- command line */

/* The subcommand whose words argv begins with; *ret_words counts them. */
static const struct subcommand *find(int argc, char **argv, int *ret_words)
{
	for (size_t i = 0; i < CP_COUNT(subcommands); ++i) {
		struct cp_str rest, first = cp_str_split(cp_str(subcommands[i].words), ' ', &rest);
		*ret_words = rest.ptr == NULL ? 1 : 2;
		if (argc > *ret_words && cp_str_eq(cp_str(argv[1]), first) &&
		    (rest.ptr == NULL || cp_str_eq(cp_str(argv[2]), rest)))
			return &subcommands[i];
	}
	return NULL;
}

static int parse(int argc, char **argv, int first, struct arguments *args, int *ret_positional)
{
	const struct cp_option options[] = {
	    {"name", .text = &args->name},
	    {"account-sid", .text = &args->account_sid},
	    {"auth-token-file", .text = &args->auth_token_file},
	    {"api-key-sid", .text = &args->api_key_sid},
	    {"api-key-secret-file", .text = &args->api_key_secret_file},
	    {"no-api-key", .flag = true, .text = &args->no_api_key},
	    {"carrier-host", .text = &args->carrier_host},
	    {"country", .text = &args->country},
	    {"language", .text = &args->language},
	    {"yes", .text = &args->yes},
	    {"host", .many = args->hosts, .many_size = MAX_PARTS, .many_count = &args->host_count},
	    {"number", .many = args->numbers, .many_size = MAX_PARTS, .many_count = &args->number_count},
	};
	return cp_options_parse(options, CP_COUNT(options), argc, argv, first, ret_positional);
}

static int run_in(struct context *context, const struct subcommand *subcommand)
{
	int error = cp_open_operator_database(context->settings, &context->db);
	if (error == 0 && subcommand->seals)
		error = cp_open_vault(context->settings, VAULT_SECRETS, &context->vault);
	if (error == 0)
		error = subcommand->run(context);
	cp_vault_free(context->vault);
	cp_db_blocking_close(context->db);
	return error;
}

static int run(const struct cp_settings *settings, int argc, char **argv)
{
	struct context context = {.settings = settings};
	int words, positional;
	const struct subcommand *subcommand = find(argc, argv, &words);
	if (subcommand == NULL)
		return cp_command_usage(&cp_command_tenant, "what to do is expected");
	if (parse(argc, argv, words + 1, &context.args, &positional) != 0)
		return cp_command_usage(&cp_command_tenant, "%s", cp_error_message());
	if (positional != subcommand->positional)
		return cp_command_usage(&cp_command_tenant, "\"%s\" takes %d arguments besides its options; %d are given",
		                        subcommand->words, subcommand->positional, positional);
	context.args.slug = positional > 0 ? argv[words + 1] : NULL;
	context.args.second = positional > 1 ? argv[words + 2] : NULL;
	context.arena = cp_arena_new();
	int error = run_in(&context, subcommand);
	cp_arena_free(context.arena);
	return error == 0 ? 0 : cp_command_failed(&cp_command_tenant);
}

const struct cp_command cp_command_tenant = {
    "tenant",
    "create SLUG --name NAME --account-sid AC... --auth-token-file FILE|- [--number +1...]... [--host HOST]...\n"
    "       [--api-key-sid SK... --api-key-secret-file FILE|-] [--carrier-host HOST] [--country US] [--language en]\n"
    "list\n"
    "show SLUG\n"
    "suspend SLUG\n"
    "resume SLUG\n"
    "credentials SLUG [--account-sid AC...] [--auth-token-file FILE|-] [--api-key-sid SK... --api-key-secret-file FILE|-]\n"
    "       [--no-api-key] [--carrier-host HOST]\n"
    "number add|remove SLUG +1...\n"
    "host add|remove SLUG HOST\n"
    "rotate-keys\n"
    "destroy SLUG --yes SLUG",
    "Make, change and destroy organizations.", run, false};
