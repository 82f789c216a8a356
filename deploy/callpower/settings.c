/* Every setting of `callpower`. CONFIGURATION.md is made from this table; a test holds them together. */
#include "command.h"

const struct cp_setting cp_callpower_settings[] = {
	{"CALLPOWER_SETTINGS", CP_SETTING_PATH, NULL, .help = "A file of settings, one NAME=value a line. The environment wins over it."},

	{"CALLPOWER_LISTEN", CP_SETTING_TEXT, "127.0.0.1:8080",
	 .help = "Where `callpower serve` listens: ADDRESS:PORT or unix:/path. Put a proxy that ends TLS and HTTP/2 in front."},
	{"CALLPOWER_PUBLIC_URL", CP_SETTING_URL, "http://127.0.0.1:8080",
	 .help = "The address under which the carrier reaches this instance. Webhook addresses are built from it and signatures checked "
		 "against it, never against a request's Host."},
	{"CALLPOWER_BASE_DOMAIN", CP_SETTING_TEXT, NULL,
	 .help = "The platform's own domain: an organization with the slug `one` is served at `one.` in front of it. Without it, organizations "
		 "are reached under /o/SLUG/ and under their own hosts."},
	{"CALLPOWER_THREADS", CP_SETTING_NUMBER, "0", 0, 64,
	 .help = "Threads that serve requests, each with its own event loop and database connections. 0: one a processor."},
	{"CALLPOWER_SHUTDOWN_PATIENCE_MS", CP_SETTING_NUMBER, "10000", 0, 600000, .unit = "ms",
	 .help = "How long requests under way may take to finish after SIGTERM."},

	{"CALLPOWER_DATABASE_OWNER", CP_SETTING_TEXT, NULL, .secret = true,
	 .help = "libpq connection string of the role that owns the tables; only `callpower migrate` uses it."},
	{"CALLPOWER_DATABASE_APP", CP_SETTING_TEXT, NULL, .secret = true,
	 .help = "Connection string of the role that serves tenants' requests; row-level security binds it to one tenant at a time. Give a "
		 "socket folder or a numeric address."},
	{"CALLPOWER_DATABASE_OPERATOR", CP_SETTING_TEXT, NULL, .secret = true,
	 .help = "Connection string of the role for the platform's own work: registry, datasets, reconciliation, operator commands."},
	{"CALLPOWER_DATABASE_CONNECTIONS", CP_SETTING_NUMBER, "4", 1, 64, .help = "Pipelined connections a thread."},
	{"CALLPOWER_DATABASE_QUEUE", CP_SETTING_NUMBER, "1024", 1, 1000000,
	 .help = "Statements that may wait a thread; beyond it requests are answered 503."},
	{"CALLPOWER_DATABASE_DEADLINE_MS", CP_SETTING_NUMBER, "2000", 10, 60000, .unit = "ms",
	 .help = "How long a statement may take, waiting included. A caller then hears a pause and is asked again."},
	{"CALLPOWER_DATABASE_POOLER", CP_SETTING_BOOL, "no",
	 .help = "The app and operator strings lead to PgBouncer in transaction mode: statements are sent unnamed."},
	{"CALLPOWER_DATABASE_DIRECT", CP_SETTING_TEXT, NULL, .secret = true,
	 .help = "Connection string for LISTEN, which cannot pass a transaction pooler. Default: the operator's string."},

	{"CALLPOWER_MASTER_KEY_FILE", CP_SETTING_PATH, NULL,
	 .help = "File of the master key (`callpower key new FILE`), readable by the server's user alone."},
	{"CALLPOWER_MASTER_KEY_COMMAND", CP_SETTING_TEXT, NULL,
	 .help = "A command that prints the master key file's content, for a key kept in a hardware or cloud vault."},

	{"CALLPOWER_CACHE_DIR", CP_SETTING_PATH, NULL,
	 .help = "Folder for compiled datasets. Default: $XDG_CACHE_HOME/callpower, else ~/.cache/callpower."},
	{"CALLPOWER_PROVIDERS_DIR", CP_SETTING_PATH, NULL,
	 .help = "Folder of the country plugins. Default: providers/ beside the program, else the installed one."},
	{"CALLPOWER_DATA", CP_SETTING_PATH, NULL,
	 .help = "Folder of downloaded sources that `data update` and `lookup` read instead of downloading."},

	{"CALLPOWER_CARRIER_URL", CP_SETTING_URL, NULL,
	 .help = "Base address of the carrier's REST API for all tenants, instead of each tenant's own. For the carrier sandbox; non-public "
		 "addresses and http are allowed here and nowhere else."},
	{"CALLPOWER_CARRIER_TIMEOUT_MS", CP_SETTING_NUMBER, "10000", 100, 60000, .unit = "ms",
	 .help = "How long the carrier may take to accept a call."},
	{"CALLPOWER_RING_TIMEOUT_S", CP_SETTING_NUMBER, "60", 5, 600, .unit = "s", .help = "How long a phone rings, the supporter's and an office's."},
	{"CALLPOWER_CALL_LIMIT_S", CP_SETTING_NUMBER, "3600", 60, 14400, .unit = "s",
	 .help = "Longest call session, and longest conversation with one office; the carrier ends it then."},
	{"CALLPOWER_RECONCILE_AFTER_S", CP_SETTING_NUMBER, "120", 1, 86400, .unit = "s",
	 .help = "A call session without news for so long is looked up at the carrier, so that none stays open."},

	{"CALLPOWER_LOG_FORMAT", CP_SETTING_CHOICE, "text", .choices = "text|json", .help = "Form of the log lines on standard error."},
	{"CALLPOWER_LOG_LEVEL", CP_SETTING_CHOICE, "info", .choices = "error|warning|info|debug", .help = "Least important level written."},
	{"CALLPOWER_CLOCK_OFFSET_S", CP_SETTING_NUMBER, "0", -3153600000, 3153600000, .unit = "s",
	 .help = "Moves the program's clock and SQL's app_now(). For tests and rehearsals only."},
};

const size_t cp_callpower_settings_count = sizeof(cp_callpower_settings) / sizeof(cp_callpower_settings[0]);
