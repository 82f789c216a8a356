#include "campaign/store.h"

#include "base/arena.h"

#include <inttypes.h>
#include <stdio.h>

static int begin(struct cp_db_blocking *connection, struct cp_tenant_id tenant)
{
	int error = cp_db_blocking_script(connection, "begin");
	return error != 0 ? error : cp_db_blocking_bind(connection, &tenant);
}

/* Commits where error is 0; the first error is the one that is told. */
static int end(struct cp_db_blocking *connection, int error)
{
	if (error == 0)
		return cp_db_blocking_script(connection, "commit");
	char sentence[512];
	snprintf(sentence, sizeof(sentence), "%s", cp_error_message());
	(void)!cp_db_blocking_script(connection, "rollback");
	return cp_fail(error, "%s", sentence);
}

struct number_text {
	char text[16];
};

static struct cp_str number(int32_t value, struct number_text *space)
{
	snprintf(space->text, sizeof(space->text), "%" PRId32, value);
	return cp_str(space->text);
}

static int check_settings(struct cp_str settings)
{
	struct cp_campaign_settings *parsed;
	int error = cp_campaign_settings_parse(settings, &parsed);
	if (error == 0)
		cp_campaign_settings_unref(parsed);
	return error;
}

int cp_campaign_create(struct cp_db_blocking *connection, struct cp_tenant_id tenant, struct cp_str name, struct cp_str settings,
                       int32_t *ret_campaign_id)
{
	CP_CLEANUP(cp_db_result_free_ptr) struct cp_db_result *result = NULL;
	const struct cp_str values[] = {name, settings};
	int error;
	if (cp_str_trim(name).len == 0 || name.len > 255 || !cp_str_is_utf8(name))
		return cp_fail(CP_E_INPUT, "a campaign needs a name of at most 255 bytes");
	if ((error = check_settings(settings)) != 0)
		return error;
	error = begin(connection, tenant);
	/* ids count from 1 in each tenant: one creation at a time, so that no id is given twice and none is left out */
	if (error == 0)
		error = cp_db_blocking_script(connection, "select pg_advisory_xact_lock(hashtext('campaign'), hashtext(app_tenant()::text))");
	if (error == 0)
		error = cp_db_blocking_run(connection,
		                           "with made as (insert into campaign (tenant_id, campaign_id, name) "
		                           "select app_tenant(), coalesce(max(campaign_id), 0) + 1, $1 from campaign where tenant_id = app_tenant() "
		                           "returning tenant_id, campaign_id) "
		                           "insert into campaign_revision (tenant_id, campaign_id, revision, settings) "
		                           "select tenant_id, campaign_id, 1, $2::jsonb from made returning campaign_id",
		                           values, 2, &result);
	error = end(connection, error);
	if (error == CP_E_CONFLICT)
		return cp_fail(error, "there is a campaign of this name already");
	if (error == 0)
		*ret_campaign_id = (int32_t)cp_db_integer(result, 0, 0);
	return error;
}

int cp_campaign_edit(struct cp_db_blocking *connection, struct cp_tenant_id tenant, int32_t campaign_id, struct cp_str settings,
                     int32_t *ret_revision)
{
	CP_CLEANUP(cp_db_result_free_ptr) struct cp_db_result *result = NULL;
	struct number_text id;
	const struct cp_str values[] = {number(campaign_id, &id), settings};
	int error;
	if ((error = check_settings(settings)) != 0)
		return error;
	error = begin(connection, tenant);
	if (error == 0)
		error = cp_db_blocking_run(connection,
		                           "with edited as (update campaign set revision = revision + 1, updated_at = app_now() "
		                           "where tenant_id = app_tenant() and campaign_id = $1::integer and status <> 'archived' "
		                           "returning tenant_id, campaign_id, revision) "
		                           "insert into campaign_revision (tenant_id, campaign_id, revision, settings) "
		                           "select tenant_id, campaign_id, revision, $2::jsonb from edited returning revision",
		                           values, 2, &result);
	if (error == 0 && cp_db_rows(result) == 0)
		error = cp_fail(CP_E_NOTFOUND, "there is no campaign %" PRId32 " that could be changed (an archived one cannot)", campaign_id);
	error = end(connection, error);
	if (error == 0)
		*ret_revision = (int32_t)cp_db_integer(result, 0, 0);
	return error;
}

static bool may_become(enum cp_campaign_status from, enum cp_campaign_status to)
{
	if (from == to || to == CP_CAMPAIGN_ARCHIVED)
		return true;
	if (from == CP_CAMPAIGN_ARCHIVED || to == CP_CAMPAIGN_DRAFT)
		return false;
	return to == CP_CAMPAIGN_LIVE || from == CP_CAMPAIGN_LIVE;
}

static int change_status(struct cp_db_blocking *connection, int32_t campaign_id, enum cp_campaign_status status)
{
	CP_CLEANUP(cp_db_result_free_ptr) struct cp_db_result *result = NULL;
	struct number_text id;
	enum cp_campaign_status current;
	const struct cp_str values[] = {number(campaign_id, &id), cp_str(cp_campaign_status_word(status))};
	int error = cp_db_blocking_run(connection, "select status from campaign where tenant_id = app_tenant() and campaign_id = $1::integer for update",
	                               values, 1, &result);
	if (error != 0)
		return error;
	if (cp_db_rows(result) == 0)
		return cp_fail(CP_E_NOTFOUND, "there is no campaign %" PRId32, campaign_id);
	if ((error = cp_campaign_status_parse(cp_db_value(result, 0, 0), &current)) != 0)
		return error;
	if (!may_become(current, status))
		return cp_fail(CP_E_CONFLICT, "the campaign is %s and cannot become %s", cp_campaign_status_word(current), cp_campaign_status_word(status));
	return cp_db_blocking_run(connection,
	                          "update campaign set status = $2, updated_at = app_now() where tenant_id = app_tenant() and campaign_id = $1::integer",
	                          values, 2, NULL);
}

int cp_campaign_set_status(struct cp_db_blocking *connection, struct cp_tenant_id tenant, int32_t campaign_id, enum cp_campaign_status status)
{
	int error = begin(connection, tenant);
	if (error == 0)
		error = change_status(connection, campaign_id, status);
	return end(connection, error);
}

int cp_campaign_list(struct cp_db_blocking *connection, struct cp_tenant_id tenant, int32_t campaign_id, struct cp_arena *arena,
                     struct cp_campaign_row **ret_rows, size_t *ret_count)
{
	CP_CLEANUP(cp_db_result_free_ptr) struct cp_db_result *result = NULL;
	struct number_text id;
	const struct cp_str values[] = {number(campaign_id, &id)};
	int error = begin(connection, tenant);
	if (error == 0)
		error = cp_db_blocking_run(connection,
		                           "select c.campaign_id, c.revision, c.status, c.name, r.settings, c.updated_at from campaign c "
		                           "join campaign_revision r using (tenant_id, campaign_id, revision) "
		                           "where c.tenant_id = app_tenant() and $1::integer in (0, c.campaign_id) order by c.campaign_id",
		                           values, 1, &result);
	if (error == 0 && campaign_id != 0 && cp_db_rows(result) == 0)
		error = cp_fail(CP_E_NOTFOUND, "there is no campaign %" PRId32, campaign_id);
	if ((error = end(connection, error)) != 0)
		return error;
	size_t count = (size_t)cp_db_rows(result);
	struct cp_campaign_row *rows = cp_arena_alloc_array(arena, count, sizeof(*rows));
	for (size_t i = 0; i < count && error == 0; ++i) {
		rows[i].id = (int32_t)cp_db_integer(result, (int)i, 0);
		rows[i].revision = (int32_t)cp_db_integer(result, (int)i, 1);
		error = cp_campaign_status_parse(cp_db_value(result, (int)i, 2), &rows[i].status);
		rows[i].name = cp_arena_str(arena, cp_db_value(result, (int)i, 3));
		rows[i].settings = cp_arena_str(arena, cp_db_value(result, (int)i, 4));
		rows[i].updated_at = cp_arena_str(arena, cp_db_value(result, (int)i, 5));
	}
	if (error == 0) {
		*ret_rows = rows;
		*ret_count = count;
	}
	return error;
}
