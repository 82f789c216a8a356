#include "driver.h"

#include "base/clock.h"
#include "base/memory.h"
#include "pool.h"
#include "scratch.h"

static const char schema[] =
    "create function app_tenant() returns bigint language sql stable return nullif(current_setting('app.tenant_id', true), "
    "'')::bigint;"
    "create table item (tenant_id bigint not null, id integer not null, name text, check (id < 1000), primary key (tenant_id, "
    "id));"
    "alter table item enable row level security;"
    "alter table item force row level security;"
    "create policy item_app on item to callpower_app using (tenant_id = app_tenant()) with check (tenant_id = app_tenant());"
    "create policy item_operator on item to callpower_operator using (true);"
    "grant select, insert, update, delete on item to callpower_app, callpower_operator;"
    "create table shape (a integer);"
    "grant select on shape to callpower_app;"
    "grant usage on schema public to callpower_app, callpower_operator";

/* The names are spread over two tables, as modules do it. */
static const struct cp_db_statement table_a[] = {
    {"count_items", CP_DB_TENANT, 0, "select count(*) from item"},
    {"add_item", CP_DB_TENANT, 3, "insert into item values ($1::bigint, $2::integer, $3) returning id"},
    {"bound", CP_DB_TENANT, 0, "select app_tenant()"},
    {"divide", CP_DB_TENANT, 1, "select 1 / $1::integer"},
    {"nap", CP_DB_TENANT, 1, "select pg_sleep($1::float8)"},
    {0},
};
static const struct cp_db_statement table_b[] = {
    {"echo", CP_DB_TENANT, 1, "select coalesce($1::text, 'absent')"},
    {"length", CP_DB_TENANT, 1, "select length($1::text)"},
    {"clock_offset", CP_DB_TENANT, 0, "select current_setting('app.clock_offset_us', true)"},
    {"shape", CP_DB_TENANT, 0, "select * from shape"},
    {"backend", CP_DB_TENANT, 0, "select pg_backend_pid()"},
    {"count_all", CP_DB_OPERATOR, 0, "select count(*) from item"},
    {0},
};
static const struct cp_db_statement *const count_items = &table_a[0];
static const struct cp_db_statement *const add_item = &table_a[1];
static const struct cp_db_statement *const bound = &table_a[2];
static const struct cp_db_statement *const divide = &table_a[3];
static const struct cp_db_statement *const nap = &table_a[4];
static const struct cp_db_statement *const echo = &table_b[0];
static const struct cp_db_statement *const length = &table_b[1];
static const struct cp_db_statement *const clock_offset = &table_b[2];
static const struct cp_db_statement *const shape = &table_b[3];
static const struct cp_db_statement *const backend = &table_b[4];
static const struct cp_db_statement *const count_all = &table_b[5];
static const struct cp_db_statement *const tables[] = {table_a, table_b};

static const struct cp_tenant_id one = {1}, two = {2};
static struct cp_loop *loop;
static struct cp_db *db;
static struct cp_db_options options;

static void open_pool(void)
{
	assert_ok(cp_db_new(loop, &options, &db));
	turn_until_all_up(loop, db);
}

static int setup(void **state)
{
	(void)state;
	options = (struct cp_db_options){
	    .conninfo = scratch_conninfo("callpower_app"),
	    .scope = CP_DB_TENANT,
	    .connections = 1,
	    .max_in_flight = 64,
	    .max_waiting = 100,
	    .deadline_ms = 2000,
	    .max_backoff_ms = 200,
	    .statements = tables,
	    .statement_tables = 2,
	};
	scratch_script("callpower_owner", "truncate item");
	answers_are_gone = false;
	return cp_loop_new(&loop);
}

static int teardown(void **state)
{
	(void)state;
	answers_are_gone = true;
	db = cp_db_free(db);
	loop = cp_loop_free(loop);
	/* A statement that was abandoned runs on in its backend. */
	scratch_value("select count(pg_terminate_backend(pid)) from pg_stat_activity "
	              "where datname = current_database() and usename = 'callpower_app'");
	return 0;
}

static void submit(const struct cp_db_statement *statement, const struct cp_tenant_id *tenant, const struct cp_str *values,
                   struct answer *answer)
{
	assert_ok(cp_db_submit(db, statement, tenant, values, on_answer, answer));
}

static void submit_text(const struct cp_db_statement *statement, const char *text, struct answer *answer)
{
	struct cp_str value = cp_str(text);
	submit(statement, &one, &value, answer);
}

static void test_tenants_in_one_pipeline(void **state)
{
	(void)state;
	open_pool();
	struct answer a[6] = {0};
	struct cp_str mine[] = {CP_STR("1"), CP_STR("10"), CP_STR("mine")},
	              other[] = {CP_STR("2"), CP_STR("11"), CP_STR("not mine")};
	submit(add_item, &one, mine, &a[0]);
	submit(count_items, &two, NULL, &a[1]); /* sees nothing of tenant one */
	submit(count_items, &one, NULL, &a[2]);
	submit(bound, &two, NULL, &a[3]);
	submit(bound, &one, NULL, &a[4]);
	submit(add_item, &one, other, &a[5]); /* a row of tenant two, written as tenant one */
	turn_until(loop, &a[5].calls, 1);
	for (int i = 0; i < 5; ++i)
		assert_int_equal(a[i].error, 0);
	assert_string_equal(a[0].text, "10");
	assert_int_equal(a[0].affected, 1);
	assert_string_equal(a[1].text, "0");
	assert_string_equal(a[2].text, "1");
	assert_string_equal(a[3].text, "2");
	assert_string_equal(a[4].text, "1");
	assert_int_equal(a[5].error, CP_E_BUG);
	assert_non_null(strstr(a[5].message, "row-level security"));
	assert_int_equal(cp_db_pending(db), 0);
	assert_string_equal(scratch_value("select string_agg(tenant_id || ':' || id, ',') from item"), "1:10");
}

/* Every segment of a tenant's pool binds, so the pool cannot show it: the connection is asked directly. */
static void test_binding_is_gone_after_sync(void **state)
{
	(void)state;
	open_pool();
	struct answer a[2] = {0};
	submit(bound, &one, NULL, &a[0]);
	submit_text(divide, "0", &a[1]); /* nor after an error */
	turn_until(loop, &a[1].calls, 1);
	assert_string_equal(a[0].text, "1");
	PGconn *pg = db->connections[0].link.pg;
	assert_true(PQsendQueryParams(
	    pg, "select coalesce(nullif(current_setting('app.tenant_id', true), ''), 'none'), (select count(*) from item)", 0,
	    NULL, NULL, NULL, NULL, 0));
	assert_true(PQpipelineSync(pg));
	assert_int_equal(PQsetnonblocking(pg, 0), 0);
	PGresult *result = PQgetResult(pg);
	assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
	assert_string_equal(PQgetvalue(result, 0, 0), "none");
	assert_string_equal(PQgetvalue(result, 0, 1), "0");
	PQclear(result);
	assert_null(PQgetResult(pg));
	result = PQgetResult(pg);
	assert_int_equal(PQresultStatus(result), PGRES_PIPELINE_SYNC);
	PQclear(result);
}

static void test_errors_stay_in_their_segment(void **state)
{
	(void)state;
	open_pool();
	struct answer a[5] = {0};
	struct cp_str good[] = {CP_STR("1"), CP_STR("1"), CP_STR("a")}, bad[] = {CP_STR("1"), CP_STR("2000"), CP_STR("b")};
	submit(add_item, &one, good, &a[0]);
	submit_text(divide, "0", &a[1]);
	submit(add_item, &one, good, &a[2]); /* the key exists */
	submit(add_item, &one, bad, &a[3]);  /* the check fails */
	submit(count_items, &one, NULL, &a[4]);
	turn_until(loop, &a[4].calls, 1);
	assert_int_equal(a[0].error, 0);
	assert_int_equal(a[1].error, CP_E_BUG);
	assert_non_null(strstr(a[1].message, "divide: division by zero (SQLSTATE 22012)"));
	assert_int_equal(a[2].error, CP_E_CONFLICT);
	assert_int_equal(a[3].error, CP_E_CONFLICT);
	assert_int_equal(a[4].error, 0);
	assert_string_equal(a[4].text, "1");
}

static void test_values(void **state)
{
	(void)state;
	open_pool();
	struct answer a[4] = {0};
	static char large[300000];
	memset(large, 'x', sizeof(large));
	struct cp_str values[] = {CP_STR_NULL, CP_STR(""), cp_str_n("Zoë and more", 4), cp_str_n(large, sizeof(large))};
	submit(echo, &one, &values[0], &a[0]);
	submit(echo, &one, &values[1], &a[1]);
	submit(echo, &one, &values[2], &a[2]);
	submit(length, &one, &values[3], &a[3]);
	turn_until(loop, &a[3].calls, 1);
	assert_string_equal(a[0].text, "absent");
	assert_string_equal(a[1].text, "");
	assert_string_equal(a[2].text, "Zoë");
	assert_string_equal(a[3].text, "300000"); /* more than the socket takes at once */
	struct cp_str nul = cp_str_n("a\0b", 3);
	assert_int_equal(cp_db_submit(db, echo, &one, &nul, on_answer, &a[0]), CP_E_BUG);
}

static void test_scope(void **state)
{
	(void)state;
	open_pool();
	struct answer answer = {0};
	struct cp_tenant_id nobody = {0};
	assert_int_equal(cp_db_submit(db, count_items, NULL, NULL, on_answer, &answer), CP_E_BUG);
	assert_int_equal(cp_db_submit(db, count_items, &nobody, NULL, on_answer, &answer), CP_E_BUG);
	assert_int_equal(cp_db_submit(db, count_all, NULL, NULL, on_answer, &answer), CP_E_BUG);
	assert_int_equal(cp_db_submit(db, count_all, &one, NULL, on_answer, &answer), CP_E_BUG);
	db = cp_db_free(db);
	options.scope = CP_DB_OPERATOR;
	options.conninfo = scratch_conninfo("callpower_operator");
	open_pool();
	assert_int_equal(cp_db_submit(db, count_all, &one, NULL, on_answer, &answer), CP_E_BUG);
	assert_int_equal(cp_db_submit(db, count_items, &one, NULL, on_answer, &answer), CP_E_BUG);
	assert_int_equal(answer.calls, 0);
	submit(count_all, NULL, NULL, &answer);
	turn_until(loop, &answer.calls, 1);
	assert_int_equal(answer.error, 0);
}

static void test_queue_full(void **state)
{
	(void)state;
	options.max_in_flight = 2;
	options.max_waiting = 5;
	open_pool();
	struct answer a[8] = {0}, refused = {0};
	int order = 0;
	for (int i = 0; i < 5; ++i) {
		a[i].order = &order;
		submit_text(echo, "x", &a[i]);
	}
	struct cp_str value = CP_STR("y");
	assert_int_equal(cp_db_submit(db, echo, &one, &value, on_answer, &refused), CP_E_LIMIT);
	assert_int_equal(cp_db_pending(db), 5);
	cp_loop_turn(loop, 0); /* two are sent: there is room for two more */
	for (int i = 5; i < 7; ++i)
		submit_text(echo, "x", &a[i]);
	turn_until(loop, &a[6].calls, 1);
	for (int i = 0; i < 7; ++i)
		assert_int_equal(a[i].error, 0);
	for (int i = 0; i < 5; ++i)
		assert_int_equal(a[i].place, i + 1); /* in the order of submission */
	assert_int_equal(refused.calls, 0);
}

static void test_server_gives_up_first(void **state)
{
	(void)state;
	options.deadline_ms = 2000; /* so statement_timeout is 1500 */
	open_pool();
	struct answer pid[2] = {0}, slow = {0};
	submit(backend, &one, NULL, &pid[0]);
	submit_text(nap, "5", &slow);
	turn_until(loop, &slow.calls, 1);
	assert_int_equal(slow.error, CP_E_LIMIT);
	submit(backend, &one, NULL, &pid[1]);
	turn_until(loop, &pid[1].calls, 1);
	assert_string_equal(pid[0].text, pid[1].text); /* the connection was kept */
}

/* The operator's string wins over ours; so does a server that hangs. */
static const char *without_server_limit(void)
{
	static char text[600];
	snprintf(text, sizeof(text), "%s options='-c statement_timeout=0'", scratch_conninfo("callpower_app"));
	return text;
}

static void test_deadline(void **state)
{
	(void)state;
	options.conninfo = without_server_limit();
	options.deadline_ms = 300;
	options.max_in_flight = 2;
	open_pool();
	struct answer slow = {0}, behind = {0}, queued = {0}, after = {0};
	uint64_t start_ms = cp_clock_monotonic_ms();
	submit_text(nap, "3", &slow);
	submit_text(echo, "behind", &behind); /* sent, behind the slow one */
	submit_text(echo, "queued", &queued); /* never sent */
	turn_until(loop, &queued.calls, 1);
	turn_until(loop, &behind.calls, 1);
	assert_in_range(cp_clock_monotonic_ms() - start_ms, 300, 2500);
	assert_int_equal(slow.error, CP_E_TIMEOUT);
	assert_non_null(strstr(slow.message, "300 ms"));
	assert_int_equal(behind.error, CP_E_TIMEOUT);
	assert_int_equal(queued.error, CP_E_UNAVAILABLE);
	turn_until_up(loop, db, true); /* on a new connection */
	submit_text(echo, "after", &after);
	turn_until(loop, &after.calls, 1);
	assert_string_equal(after.text, "after");
	assert_int_equal(slow.calls + behind.calls + queued.calls, 3);
}

static void test_connection_lost(void **state)
{
	(void)state;
	options.max_in_flight = 1;
	options.connections = 2;
	options.deadline_ms = 9000;
	open_pool();
	struct answer slow = {0}, other = {0}, queued[4] = {0};
	submit_text(nap, "6", &slow);
	turn_for(loop, 100); /* the older of the two is killed */
	submit_text(nap, "0.3", &other);
	for (int i = 0; i < 4; ++i)
		submit_text(echo, "queued", &queued[i]);
	turn_for(loop, 50);
	scratch_value("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like "
	              "'select pg_sleep%' "
	              "and usename = 'callpower_app' order by query_start limit 1");
	turn_until(loop, &slow.calls, 1);
	assert_int_equal(slow.error, CP_E_TIMEOUT);
	for (int i = 0; i < 4; ++i)
		turn_until(loop, &queued[i].calls, 1); /* on the other connection, or on the new one */
	turn_until(loop, &other.calls, 1);
	assert_int_equal(other.error, 0);
	for (int i = 0; i < 4; ++i) {
		assert_int_equal(queued[i].error, 0);
		assert_int_equal(queued[i].calls, 1);
	}
}

static void test_spread(void **state)
{
	(void)state;
	options.connections = 3;
	open_pool();
	struct answer naps[3] = {0};
	for (int i = 0; i < 3; ++i)
		submit_text(nap, "1", &naps[i]);
	turn_for(loop, 50);
	for (unsigned i = 0; i < 3; ++i)
		assert_int_equal(db->connections[i].in_flight, 1);
	for (int i = 0; i < 3; ++i)
		turn_until(loop, &naps[i].calls, 1);
}

static void test_no_server(void **state)
{
	(void)state;
	options.conninfo = "host=/nonexistent user=nobody";
	options.deadline_ms = 300;
	struct answer answer = {0};
	assert_ok(cp_db_new(loop, &options, &db));
	submit_text(echo, "x", &answer);
	turn_until(loop, &answer.calls, 1);
	assert_int_equal(answer.error, CP_E_UNAVAILABLE);
	assert_non_null(strstr(answer.message, "/nonexistent"));
	assert_false(cp_db_is_up(db));
	assert_non_null(strstr(cp_db_problem(db), "/nonexistent"));
}

static void test_bad_conninfo(void **state)
{
	(void)state;
	struct cp_db *none = NULL;
	options.conninfo = "host=db.example.org user=x";
	assert_int_equal(cp_db_new(loop, &options, &none), CP_E_INPUT);
	assert_non_null(strstr(cp_error_message(), "db.example.org"));
	options.conninfo = "postgresql://x@127.0.0.1,db.example.org/y";
	assert_int_equal(cp_db_new(loop, &options, &none), CP_E_INPUT);
	options.conninfo = "nonsense";
	assert_int_equal(cp_db_new(loop, &options, &none), CP_E_INPUT);
	assert_null(none);
	options.conninfo = "host=db.example.org hostaddr=127.0.0.1 port=1";
	assert_ok(cp_db_new(loop, &options, &none));
	assert_null(cp_db_free(none));
}

static void test_statement_that_cannot_be_prepared(void **state)
{
	(void)state;
	static const struct cp_db_statement broken[] = {
	    {"fine", CP_DB_TENANT, 0, "select 1"}, {"broken", CP_DB_TENANT, 0, "select x from nowhere"}, {0}};
	static const struct cp_db_statement *const broken_tables[] = {broken};
	struct answer answer = {0};
	options.statements = broken_tables;
	options.statement_tables = 1;
	options.deadline_ms = 1500;
	assert_ok(cp_db_new(loop, &options, &db));
	submit(&broken[0], &one, NULL, &answer);
	turn_until(loop, &answer.calls, 1);
	assert_int_equal(answer.error, CP_E_UNAVAILABLE);
	assert_non_null(strstr(cp_db_problem(db), "statement broken"));
	assert_non_null(strstr(cp_db_problem(db), "nowhere"));
	db = cp_db_free(db);
	static const struct cp_db_statement twice[] = {
	    {"same", CP_DB_TENANT, 0, "select 1"}, {"same", CP_DB_TENANT, 0, "select 2"}, {0}};
	static const struct cp_db_statement *const twice_tables[] = {twice};
	options.statements = twice_tables;
	assert_int_equal(cp_db_new(loop, &options, &db), CP_E_BUG);
}

static void test_schema_changes_under_statement(void **state)
{
	(void)state;
	open_pool();
	struct answer before = {0}, during = {0}, after = {0};
	submit(shape, &one, NULL, &before);
	turn_until(loop, &before.calls, 1);
	assert_int_equal(before.error, 0);
	scratch_script("callpower_owner", "alter table shape add column b integer");
	submit(shape, &one, NULL, &during);
	turn_until(loop, &during.calls, 1);
	assert_int_equal(during.error, CP_E_UNAVAILABLE); /* repeating is safe, and will do */
	turn_until_up(loop, db, false);
	turn_until_up(loop, db, true);
	submit(shape, &one, NULL, &after);
	turn_until(loop, &after.calls, 1);
	assert_int_equal(after.error, 0);
}

static void test_clock(void **state)
{
	(void)state;
	struct answer at_connect = {0}, moved = {0}, back = {0};
	cp_clock_set_offset_us(5000000);
	open_pool();
	submit(clock_offset, &one, NULL, &at_connect);
	turn_until(loop, &at_connect.calls, 1);
	cp_clock_set_offset_us(7000000);
	submit(clock_offset, &one, NULL, &moved);
	turn_until(loop, &moved.calls, 1);
	cp_clock_set_offset_us(0);
	submit(clock_offset, &one, NULL, &back);
	turn_until(loop, &back.calls, 1);
	assert_string_equal(at_connect.text, "5000000");
	assert_string_equal(moved.text, "7000000");
	assert_string_equal(back.text, "0");
}

static void test_transaction_pooler(void **state)
{
	(void)state;
	options.transaction_pooler = true;
	cp_clock_set_offset_us(9000000);
	open_pool();
	struct answer a[4] = {0};
	submit(bound, &two, NULL, &a[0]);
	submit_text(divide, "0", &a[1]);
	submit_text(echo, "x", &a[2]);
	submit(clock_offset, &one, NULL, &a[3]);
	turn_until(loop, &a[3].calls, 1);
	cp_clock_set_offset_us(0);
	assert_string_equal(a[0].text, "2");
	assert_int_equal(a[1].error, CP_E_BUG);
	assert_string_equal(a[2].text, "x");
	assert_string_equal(a[3].text, "9000000");
	assert_string_equal(
	    scratch_value(
	        "select count(*) from pg_stat_activity where datname = current_database() and query like 'select 1 /%'"),
	    "0");
}

struct chain {
	struct answer answer;
	bool free_pool, free_from_ending;
	int left;
};

static void on_chain(void *data, int error, const struct cp_db_result *result)
{
	struct chain *chain = data;
	if (answers_are_gone)
		return;
	(void)result;
	++chain->answer.calls;
	chain->answer.error = error;
	if (chain->free_pool) {
		db = cp_db_free(db);
		return;
	}
	struct cp_str value = CP_STR("again");
	if (chain->left-- > 0)
		assert_ok(cp_db_submit(db, echo, &one, &value, on_chain, chain));
}

static void test_callbacks_may_submit_and_free(void **state)
{
	(void)state;
	open_pool();
	struct chain chain = {.left = 20}, last = {.free_pool = true};
	struct answer sent = {0}, waiting = {0};
	struct cp_str value = CP_STR("x");
	assert_ok(cp_db_submit(db, echo, &one, &value, on_chain, &chain));
	turn_until(loop, &chain.answer.calls, 21);
	assert_int_equal(chain.answer.error, 0);
	assert_ok(cp_db_submit(db, echo, &one, &value, on_chain, &last));
	submit_text(nap, "1", &sent);
	turn_for(loop, 5);
	if (last.answer.calls == 0)
		submit_text(echo, "x", &waiting); /* in the queue, or sent, when the pool goes */
	else
		waiting.calls = 1;
	turn_until(loop, &last.answer.calls, 1);
	assert_null(db);
	assert_int_equal(sent.calls, 1);
	assert_int_equal(sent.error, CP_E_TIMEOUT);
	assert_int_equal(waiting.calls, 1);
}

static void test_free_ends_everything(void **state)
{
	(void)state;
	options.max_in_flight = 1;
	open_pool();
	struct answer sent = {0}, waiting = {0};
	struct chain again = {.left = 0, .free_pool = true};
	struct cp_str value = CP_STR("x");
	submit_text(nap, "1", &sent);
	assert_ok(cp_db_submit(db, echo, &one, &value, on_chain, &again)); /* its callback frees once more */
	submit_text(echo, "x", &waiting);
	turn_for(loop, 30);
	db = cp_db_free(db);
	assert_int_equal(sent.error, CP_E_TIMEOUT);
	assert_int_equal(again.answer.error, CP_E_UNAVAILABLE);
	assert_int_equal(waiting.error, CP_E_UNAVAILABLE);
	assert_int_equal(sent.calls + waiting.calls + again.answer.calls, 3);
}

static void test_connection_lost_frees_pool(void **state)
{
	(void)state;
	open_pool();
	struct chain last = {.free_pool = true};
	struct answer behind = {0};
	struct cp_str value = CP_STR("2");
	assert_ok(cp_db_submit(db, nap, &one, &value, on_chain, &last));
	submit_text(echo, "x", &behind);
	turn_for(loop, 30);
	scratch_value("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = "
	              "'callpower_app'");
	turn_until(loop, &last.answer.calls, 1);
	assert_int_equal(last.answer.error, CP_E_TIMEOUT);
	assert_int_equal(behind.calls, 1);
	assert_null(db);
	turn_for(loop, 10);
}

static void test_many(void **state)
{
	(void)state;
	enum { MANY = 5000 };
	options.connections = 3;
	options.max_waiting = MANY;
	options.deadline_ms = 8000;
	open_pool();
	struct cp_str value = CP_STR("x");
	struct answer answer = {0}, seen = {0};
	for (int i = 0; i < MANY; ++i)
		assert_ok(cp_db_submit(db, echo, i % 2 ? &one : &two, &value, on_answer, &answer));
	turn_until(loop, &answer.calls, MANY);
	assert_int_equal(answer.error, 0);
	assert_int_equal(cp_db_pending(db), 0);
	submit(bound, &two, NULL, &seen);
	turn_until(loop, &seen.calls, 1);
	assert_string_equal(seen.text, "2");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_tenants_in_one_pipeline),
	    TEST(test_binding_is_gone_after_sync),
	    TEST(test_errors_stay_in_their_segment),
	    TEST(test_values),
	    TEST(test_scope),
	    TEST(test_queue_full),
	    TEST(test_server_gives_up_first),
	    TEST(test_deadline),
	    TEST(test_connection_lost),
	    TEST(test_spread),
	    TEST(test_no_server),
	    TEST(test_bad_conninfo),
	    TEST(test_statement_that_cannot_be_prepared),
	    TEST(test_schema_changes_under_statement),
	    TEST(test_clock),
	    TEST(test_transaction_pooler),
	    TEST(test_callbacks_may_submit_and_free),
	    TEST(test_free_ends_everything),
	    TEST(test_connection_lost_frees_pool),
	    TEST(test_many),
	};
	if (!scratch_open())
		return 0;
	scratch_script("callpower_owner", schema);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	scratch_close();
	return failed;
}
