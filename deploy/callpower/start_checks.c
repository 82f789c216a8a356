#include "start_checks.h"

#include "base/log.h"
#include "db/blocking.h"
#include "db/migrate.h"

#include <stdlib.h>

#define CONNECT_TIMEOUT_S "5"

/* One of the serving roles: its setting, and the role that tables and policies know it by. */
struct serving_role {
	const char *setting, *role;
};

static const struct serving_role app = {"CALLPOWER_DATABASE_APP", "callpower_app"}, operator = {"CALLPOWER_DATABASE_OPERATOR", "callpower_operator"};

static int open_as(const struct cp_settings *settings, const struct serving_role *serving, struct cp_db_blocking **ret_connection)
{
	const char *conninfo = cp_settings_text(settings, serving->setting);
	if (conninfo == NULL || cp_str_trim(cp_str(conninfo)).len == 0)
		return cp_fail(CP_E_INPUT, "the setting %s is missing", serving->setting);
	int error = cp_db_blocking_open(conninfo, ret_connection);
	return error == 0 ? 0 : cp_fail_in(error, "%s", serving->setting);
}

static int check_role(struct cp_db_blocking *connection, const struct serving_role *serving)
{
	CP_CLEANUP(cp_db_result_free_ptr) struct cp_db_result *result = NULL;
	const struct cp_str role = cp_str(serving->role);
	int error = cp_db_blocking_run(connection,
	                               "select rolsuper or rolbypassrls, pg_has_role($1::name, 'usage'), rolname from pg_roles where rolname = current_user",
	                               &role, 1, &result);
	if (error != 0)
		return cp_fail_in(error, "%s", serving->setting);
	if (cp_db_rows(result) == 1 && !cp_db_boolean(result, 0, 0) && cp_db_boolean(result, 0, 1))
		return 0;
	return cp_fail(CP_E_INPUT, "%s signs in as %.*s, which %s: it must be %s", serving->setting, CP_STR_ARG(cp_db_value(result, 0, 2)),
	               cp_db_boolean(result, 0, 0) ? "row-level security does not bind" : "is another role", serving->role);
}

static int check_all(const struct cp_settings *settings)
{
	CP_CLEANUP(cp_db_blocking_close_ptr) struct cp_db_blocking *as_app = NULL;
	CP_CLEANUP(cp_db_blocking_close_ptr) struct cp_db_blocking *as_operator = NULL;
	int error;
	if ((error = open_as(settings, &operator, &as_operator)) != 0 || (error = open_as(settings, &app, &as_app)) != 0 ||
	    (error = cp_migrate_check(as_operator, cp_migrations, cp_migrations_count)) != 0 || (error = check_role(as_operator, &operator)) != 0)
		return error;
	return check_role(as_app, &app);
}

int cp_check_database(const struct cp_settings *settings)
{
	/* A database that takes connections and says nothing must not keep the server from asking callers to wait. libpq's own variable: what
	 * the operator has set there or in the connection string counts. */
	setenv("PGCONNECT_TIMEOUT", CONNECT_TIMEOUT_S, 0);
	int error = check_all(settings);
	if (error != CP_E_UNAVAILABLE)
		return error;
	cp_log(CP_LOG_WARNING, NULL, "database.away", "%s; starting all the same", cp_error_message());
	return 0;
}

void cp_check_master_key(struct cp_vault *vault, const struct cp_registry_snapshot *registry)
{
	size_t count = 0;
	struct cp_str first = CP_STR("");
	for (size_t i = 0; i < cp_registry_count(registry); ++i) {
		unsigned char wrapped[CP_VAULT_WRAPPED_SIZE];
		const struct cp_tenant *tenant = cp_registry_at(registry, i);
		if (tenant->status == CP_TENANT_CLOSING || cp_vault_rewrap(vault, tenant, wrapped) == 0)
			continue;
		if (count++ == 0)
			first = tenant->slug;
	}
	if (count != 0)
		cp_log(CP_LOG_ERROR, NULL, "vault.other_key", "the master key does not open the secrets of %zu of %zu organizations (the first is %.*s): "
		       "their calls can be neither placed nor continued", count, cp_registry_count(registry), CP_STR_ARG(first));
}
