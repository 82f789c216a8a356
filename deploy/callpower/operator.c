#include "operator.h"
#include "crypto/keyring.h"

enum { COMMAND_DEADLINE_MS = 30 * 1000 };

int cp_open_operator_database(const struct cp_settings *settings, struct cp_db_blocking **ret_connection)
{
	const char *conninfo = cp_settings_text(settings, "CALLPOWER_DATABASE_OPERATOR");
	if (conninfo == NULL)
		return cp_fail(
		    CP_E_INPUT,
		    "the setting CALLPOWER_DATABASE_OPERATOR is missing: the connection string of the operator's role");
	return cp_db_blocking_open(conninfo, ret_connection);
}

int cp_open_vault(const struct cp_settings *settings, size_t max_secrets, struct cp_vault **ret_vault)
{
	const char *file = cp_settings_text(settings, "CALLPOWER_MASTER_KEY_FILE");
	const char *command = cp_settings_text(settings, "CALLPOWER_MASTER_KEY_COMMAND");
	if ((file == NULL) == (command == NULL))
		return cp_fail(
		    CP_E_INPUT,
		    file == NULL
		        ? "no master key: set CALLPOWER_MASTER_KEY_FILE (`callpower key new FILE` makes one) or "
		          "CALLPOWER_MASTER_KEY_COMMAND"
		        : "CALLPOWER_MASTER_KEY_FILE and CALLPOWER_MASTER_KEY_COMMAND are both set: only one can be right");
	struct cp_keyring *keyring;
	int error =
	    file != NULL ? cp_keyring_load_file(file, &keyring) : cp_keyring_load_command(command, COMMAND_DEADLINE_MS, &keyring);
	if (error != 0)
		return error;
	error = cp_vault_new(keyring, max_secrets, ret_vault);
	if (error != 0)
		cp_keyring_free(keyring);
	return error;
}
