/* callpower migrate: brings the database's schema to the program's version, or says what is missing. */
#include "base/memory.h"
#include "command.h"
#include "db/migrate.h"

#include <stdio.h>

static void announce(void *data, const struct cp_migration *migration)
{
	(void)data;
	printf("applying %s\n", migration->name);
	fflush(stdout); /* it may take long; and what follows on standard error belongs behind it */
}

static int run(const struct cp_settings *settings, int argc, char **argv)
{
	const char *check = NULL;
	const struct cp_option options[] = {{"check", true, .text = &check}};
	int positional, applied;
	if (cp_options_parse(options, CP_COUNT(options), argc, argv, 1, &positional) != 0)
		return cp_command_usage(&cp_command_migrate, "%s", cp_error_message());
	if (positional != 0)
		return cp_command_usage(&cp_command_migrate, "\"%s\" is not expected here", argv[1]);
	const char *conninfo = cp_settings_text(settings, "CALLPOWER_DATABASE_OWNER");
	if (conninfo == NULL) {
		cp_fail(
		    CP_E_INPUT,
		    "the setting CALLPOWER_DATABASE_OWNER is missing: the connection string of the role that owns the tables");
		return cp_command_failed(&cp_command_migrate);
	}
	CP_CLEANUP(cp_db_blocking_close_ptr) struct cp_db_blocking *connection = NULL;
	if (cp_db_blocking_open(conninfo, &connection) != 0)
		return cp_command_failed(&cp_command_migrate);
	if (check != NULL) {
		if (cp_migrate_check(connection, cp_migrations, cp_migrations_count) != 0)
			return cp_command_failed(&cp_command_migrate);
		printf("the database is up to date (%zu migrations)\n", cp_migrations_count);
		return 0;
	}
	if (cp_migrate(connection, cp_migrations, cp_migrations_count, announce, NULL, &applied) != 0)
		return cp_command_failed(&cp_command_migrate);
	printf("%d of %zu migrations applied; the database is up to date\n", applied, cp_migrations_count);
	return 0;
}

const struct cp_command cp_command_migrate = {
    "migrate", "\n--check", "Bring the database to this program's version, or only check that it is.", run, false};
