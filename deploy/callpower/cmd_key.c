/* callpower key: the master key's file. */
#include "command.h"
#include "crypto/keyring.h"

#include <stdio.h>
#include <string.h>

static int run(const struct cp_settings *settings, int argc, char **argv)
{
	(void)settings;
	uint32_t id;
	bool add = argc == 3 && strcmp(argv[1], "add") == 0;
	if (argc != 3 || (!add && strcmp(argv[1], "new") != 0))
		return cp_command_usage(&cp_command_key, "what to do and one file are expected");
	if ((add ? cp_keyring_file_add(argv[2], &id) : cp_keyring_file_new(argv[2], &id)) != 0)
		return cp_command_failed(&cp_command_key);
	printf("master key %08x written to %s\n", id, argv[2]);
	if (add)
		puts("Give the file to every node and restart them; then run `callpower tenant rotate-keys`; then the older "
		     "key's line can go.");
	else
		puts("Keep a copy apart from the database's backups: without it nothing that is sealed can be read again.");
	return 0;
}

const struct cp_command cp_command_key = {"key", "new FILE\nadd FILE",
                                          "Make a master key, or put a new one on top of those in a file.", run, false};
