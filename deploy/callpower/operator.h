/* What commands of the operator open from the settings; each failure is a sentence that names the setting. */
#ifndef CALLPOWER_OPERATOR_H
#define CALLPOWER_OPERATOR_H

#include "base/settings.h"
#include "db/blocking.h"
#include "tenants/vault.h"

/* A blocking connection of the operator's role (CALLPOWER_DATABASE_OPERATOR). */
int cp_open_operator_database(const struct cp_settings *settings, struct cp_db_blocking **ret_connection);
/* The vault under the master key of CALLPOWER_MASTER_KEY_FILE or CALLPOWER_MASTER_KEY_COMMAND. max_secrets as cp_vault_new(). */
int cp_open_vault(const struct cp_settings *settings, size_t max_secrets, struct cp_vault **ret_vault);

#endif
