/* What `callpower serve` checks before it serves: careless settings that would work for a while, or for too much. */
#ifndef CALLPOWER_START_CHECKS_H
#define CALLPOWER_START_CHECKS_H

#include "base/settings.h"
#include "tenants/vault.h"

/*
 * The database's schema is this program's, and the two serving roles are what row-level security rests on: members of theirs, neither
 * superusers nor able to bypass it. A database that is away is waited for (logged). CP_E_INPUT and CP_E_CONFLICT name the setting or
 * say what to run.
 */
int cp_check_database(const struct cp_settings *settings) CP_MUST_CHECK;
/* Logs where the master key does not open organizations' data keys: another key's file, or one that lacks an older key. */
void cp_check_master_key(struct cp_vault *vault, const struct cp_registry_snapshot *registry);

#endif
