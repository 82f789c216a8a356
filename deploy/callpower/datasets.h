/* What the commands about data share. */
#ifndef CALLPOWER_DATASETS_H
#define CALLPOWER_DATASETS_H

#include "base/settings.h"
#include "provider/cache.h"
#include "provider/loader.h"

/* Loads the country plugins; each refused one is told on standard error. command: whose messages they are. */
int cp_datasets_load_providers(const struct cp_settings *settings, const char *command, struct cp_providers **ret_set);

#endif
