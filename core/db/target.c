/* What a connection is made with. */
#include "base/clock.h"
#include "base/log.h"
#include "private.h"

#include <inttypes.h>
#include <stdlib.h>

/* bytea_output is what cp_db_bytes() reads; a role or database may have another preset. */
static void add_settings(struct cp_buf *options, const struct cp_db_limits *limits, int64_t clock_offset_us)
{
	cp_buf_printf(options,
	              "-c statement_timeout=%u -c lock_timeout=%u -c idle_in_transaction_session_timeout=%u "
	              "-c app.clock_offset_us=%" PRId64 " -c bytea_output=hex -c datestyle=ISO -c timezone=UTC",
	              limits->statement_ms, limits->lock_ms, limits->idle_in_transaction_ms, clock_offset_us);
}

int cp_db_target_init(const char *conninfo, const struct cp_db_limits *limits, struct cp_db_target *ret_target)
{
	char *problem = NULL;
	PQconninfoOption *parts = PQconninfoParse(conninfo, &problem);
	if (parts == NULL) {
		/* libpq's sentence may quote the string, and the string may hold a password. */
		PQfreemem(problem);
		return cp_fail(CP_E_INPUT, "the database connection string is malformed");
	}
	struct cp_buf options = {0};
	int64_t clock_offset_us = limits == NULL ? 0 : cp_clock_offset_us();
	if (limits != NULL)
		add_settings(&options, limits, clock_offset_us);
	for (const PQconninfoOption *part = parts; part->keyword != NULL; ++part)
		if (strcmp(part->keyword, "options") == 0 && part->val != NULL)
			cp_buf_printf(&options, " %s", part->val);
	PQconninfoFree(parts);
	struct cp_db_target target = {.keywords = {"dbname", "fallback_application_name", "client_encoding"},
	                              .values = {conninfo, "callpower", "UTF8"},
	                              .options = options.ptr,
	                              .clock_offset_us = clock_offset_us};
	if (options.ptr != NULL) {
		target.keywords[3] = "options";
		target.values[3] = options.ptr;
	}
	*ret_target = target;
	return 0;
}

void cp_db_target_done(struct cp_db_target *target)
{
	free(target->options);
	*target = (struct cp_db_target){0};
}

static void on_notice(void *data, const PGresult *result)
{
	(void)data;
	const char *sentence = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	cp_log(CP_LOG_DEBUG, NULL, "db.notice", "%s", sentence == NULL ? "" : sentence);
}

void cp_db_quiet(PGconn *connection)
{
	PQsetNoticeReceiver(connection, on_notice, NULL);
}

const char *cp_db_sentence(const PGconn *connection)
{
	static _Thread_local char sentence[512];
	size_t n = 0;
	for (const char *p = PQerrorMessage(connection); *p != '\0' && n < sizeof(sentence) - 1; ++p) {
		char c = *p == '\n' || *p == '\t' ? ' ' : *p;
		if (c != ' ' || (n > 0 && sentence[n - 1] != ' '))
			sentence[n++] = c;
	}
	if (n > 0 && sentence[n - 1] == ' ')
		--n;
	sentence[n] = '\0';
	return sentence;
}
