/* The store as commands use it: on a blocking connection of the operator's role. */
#include "provider/store.h"
#include "store_file.h"

#include "base/memory.h"
#include "text/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK_SIZE = 512 * 1024, MOST_WARNINGS = 1000 };

/* ---- what a version's row says about its file */

static json_t *sources_json(const struct cp_dataset *dataset)
{
	json_t *list = json_array();
	for (size_t i = 0; i < cp_dataset_source_count(dataset); ++i) {
		struct cp_dataset_source source = cp_dataset_source(dataset, i);
		char hex[2 * CP_SHA256_SIZE + 1];
		cp_hex(source.sha256, sizeof(source.sha256), hex);
		json_t *object = json_object();
		json_object_set_new(object, "name", cp_json_from_str(source.name));
		json_object_set_new(object, "file", cp_json_from_str(source.file));
		json_object_set_new(object, "address", cp_json_from_str(source.address));
		json_object_set_new(object, "licence", cp_json_from_str(source.licence));
		json_object_set_new(object, "date", cp_json_from_str(source.date));
		json_object_set_new(object, "size", json_integer((json_int_t)source.size));
		json_object_set_new(object, "sha256", cp_json_from_str(cp_str(hex)));
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *counts_json(const struct cp_dataset *dataset)
{
	const struct cp_dataset_counts *counts = &cp_dataset_info(dataset)->counts;
	const struct {
		const char *name;
		uint32_t value;
	} members[] = {
	    {"divisions", counts->divisions},       {"seats", counts->seats},
	    {"vacant_seats", counts->vacant_seats}, {"people", counts->people},
	    {"holders", counts->holders},           {"unreachable_holders", counts->unreachable_holders},
	    {"offices", counts->offices},           {"postal_codes", counts->postal_codes},
	    {"postal_links", counts->postal_links}, {"warnings", counts->warnings},
	};
	json_t *object = json_object();
	for (size_t i = 0; i < CP_COUNT(members); ++i)
		json_object_set_new(object, members[i].name, json_integer(members[i].value));
	return object;
}

static json_t *warnings_json(const struct cp_dataset *dataset)
{
	static const char *const words[] = {"", "vacancy", "term_ended", "no_phone", "incomplete", "other"};
	json_t *list = json_array();
	size_t count = cp_dataset_warning_count(dataset);
	for (size_t i = 0; i < count && i < MOST_WARNINGS; ++i) {
		struct cp_dataset_warning warning = cp_dataset_warning(dataset, i);
		json_t *object = json_object();
		json_object_set_new(object, "kind", json_string(warning.kind < CP_COUNT(words) ? words[warning.kind] : "other"));
		json_object_set_new(object, "subject", cp_json_from_str(warning.subject));
		json_object_set_new(object, "text", cp_json_from_str(warning.text));
		json_object_set_new(object, "file", cp_json_from_str(cp_dataset_source(dataset, warning.from.source).file));
		json_object_set_new(object, "line", json_integer(warning.from.line));
		json_array_append_new(list, object);
	}
	return list;
}

static struct cp_str text_of(json_t *json, struct cp_arena *arena)
{
	struct cp_str text = cp_json_text(json, arena);
	json_decref(json);
	return text;
}

/* ---- storing */

static int put_row(struct cp_db_blocking *connection, const struct cp_dataset *dataset, struct cp_arena *arena,
                   int64_t *ret_version)
{
	const struct cp_dataset_info *info = cp_dataset_info(dataset);
	struct cp_str values[] = {
	    info->country,
	    cp_db_bytea(arena, cp_str_n((const char *)info->key, sizeof(info->key))),
	    cp_db_bytea(arena, cp_str_n((const char *)info->sha256, sizeof(info->sha256))),
	    cp_arena_printf(arena, "%d", CP_DATASET_FORMAT),
	    info->provider_name,
	    info->provider_version,
	    cp_arena_printf(arena, "%llu", (unsigned long long)info->file_size),
	    text_of(sources_json(dataset), arena),
	    text_of(counts_json(dataset), arena),
	    text_of(warnings_json(dataset), arena),
	};
	CP_CLEANUP(cp_db_result_free_ptr) struct cp_db_result *result = NULL;
	int error = cp_db_blocking_run(
	    connection,
	    "insert into dataset_version (country, content_key, sha256, format, provider_name, provider_version, "
	    "size, sources, counts, warnings) values ($1, $2::bytea, $3::bytea, $4::integer, $5, $6, $7::bigint, "
	    "$8::jsonb, $9::jsonb, $10::jsonb) returning dataset_version_id",
	    values, CP_COUNT(values), &result);
	if (error == 0)
		*ret_version = cp_db_integer(result, 0, 0);
	return error;
}

static int put_chunks(struct cp_db_blocking *connection, int fd, const char *path, int64_t version)
{
	CP_CLEANUP(cp_arena_free_ptr) struct cp_arena *arena = cp_arena_new();
	CP_CLEANUP(cp_free_ptr) char *bytes = cp_alloc(CHUNK_SIZE);
	for (int part = 0;; ++part) {
		size_t used = 0;
		while (used < CHUNK_SIZE) {
			ssize_t got = read(fd, bytes + used, CHUNK_SIZE - used);
			if (got < 0 && errno == EINTR)
				continue;
			if (got < 0)
				return cp_fail_errno("%s cannot be read", path);
			if (got == 0)
				break;
			used += (size_t)got;
		}
		if (used == 0)
			return 0;
		struct cp_str values[] = {
		    cp_arena_printf(arena, "%lld", (long long)version),
		    cp_arena_printf(arena, "%d", part),
		    cp_db_bytea(arena, cp_str_n(bytes, used)),
		};
		int error = cp_db_blocking_run(
		    connection,
		    "insert into dataset_chunk (dataset_version_id, part, content) values ($1::bigint, $2::integer, "
		    "$3::bytea)",
		    values, CP_COUNT(values), NULL);
		if (error != 0)
			return error;
		cp_arena_reset(arena);
	}
}

static int find_same(struct cp_db_blocking *connection, const struct cp_dataset_info *info, struct cp_arena *arena,
                     int64_t *ret_version)
{
	struct cp_str values[] = {info->country, cp_db_bytea(arena, cp_str_n((const char *)info->key, sizeof(info->key)))};
	CP_CLEANUP(cp_db_result_free_ptr) struct cp_db_result *result = NULL;
	int error = cp_db_blocking_run(
	    connection, "select dataset_version_id from dataset_version where country = $1 and content_key = $2::bytea", values,
	    CP_COUNT(values), &result);
	if (error != 0)
		return error;
	if (cp_db_rows(result) == 0)
		return CP_E_NOTFOUND;
	*ret_version = cp_db_integer(result, 0, 0);
	return 0;
}

static int put_new(struct cp_db_blocking *connection, const struct cp_dataset *dataset, const char *path, struct cp_arena *arena,
                   int64_t *ret_version)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return cp_fail_errno("%s cannot be opened", path);
	int64_t version = 0;
	int error = cp_db_blocking_run(connection, "begin", NULL, 0, NULL);
	if (error == 0)
		error = put_row(connection, dataset, arena, &version);
	if (error == 0)
		error = put_chunks(connection, fd, path, version);
	close(fd);
	if (error == 0)
		error = cp_db_blocking_run(connection, "commit", NULL, 0, NULL);
	if (error == 0) {
		*ret_version = version;
		return 0;
	}
	CP_CLEANUP(cp_free_ptr) char *reason = cp_strdup(cp_error_message());
	cp_db_blocking_run(connection, "rollback", NULL, 0, NULL);
	return cp_fail(error, "%s", reason);
}

int cp_dataset_store_put(struct cp_db_blocking *connection, const char *path, int64_t *ret_version)
{
	CP_CLEANUP(cp_arena_free_ptr) struct cp_arena *arena = cp_arena_new();
	CP_CLEANUP(cp_dataset_unref_ptr) struct cp_dataset *dataset = NULL;
	int error = cp_dataset_open(path, &dataset);
	if (error == 0)
		error = find_same(connection, cp_dataset_info(dataset), arena, ret_version);
	return error == CP_E_NOTFOUND && dataset != NULL ? put_new(connection, dataset, path, arena, ret_version) : error;
}

/* ---- listing and switching */

#define ACTIVE                                                                                                                   \
	"(select a.dataset_version_id from dataset_activation a where a.country = v.country order by a.dataset_activation_id "   \
	"desc limit 1)"

int cp_dataset_store_list(struct cp_db_blocking *connection, struct cp_str country, struct cp_arena *arena,
                          struct cp_dataset_version **ret_versions, size_t *ret_count)
{
	struct cp_str values[] = {country};
	CP_CLEANUP(cp_db_result_free_ptr) struct cp_db_result *result = NULL;
	int error = cp_db_blocking_run(
	    connection,
	    "select v.dataset_version_id, v.country, encode(v.sha256, 'hex'), v.provider_name, v.provider_version, "
	    "to_char(v.created_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), "
	    "(select to_char(max(a.activated_at) at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') from dataset_activation a "
	    "where a.dataset_version_id = v.dataset_version_id), "
	    "v.size, v.counts::text, jsonb_array_length(v.warnings), coalesce(v.dataset_version_id = " ACTIVE ", false) "
	    "from dataset_version v where $1::text is null or v.country = $1 order by v.country, v.dataset_version_id desc",
	    values, CP_COUNT(values), &result);
	if (error != 0)
		return error;
	size_t count = (size_t)cp_db_rows(result);
	struct cp_dataset_version *versions = cp_arena_alloc_array(arena, count + 1, sizeof(*versions));
	for (size_t i = 0; i < count; ++i) {
		int row = (int)i;
		versions[i] = (struct cp_dataset_version){
		    .id = cp_db_integer(result, row, 0),
		    .country = cp_arena_str(arena, cp_db_value(result, row, 1)),
		    .sha256 = cp_arena_str(arena, cp_db_value(result, row, 2)),
		    .provider_name = cp_arena_str(arena, cp_db_value(result, row, 3)),
		    .provider_version = cp_arena_str(arena, cp_db_value(result, row, 4)),
		    .created_at = cp_arena_str(arena, cp_db_value(result, row, 5)),
		    .activated_at = cp_arena_str(arena, cp_db_value(result, row, 6)),
		    .size = cp_db_integer(result, row, 7),
		    .counts = cp_arena_str(arena, cp_db_value(result, row, 8)),
		    .warnings = cp_db_integer(result, row, 9),
		    .active = cp_db_boolean(result, row, 10),
		};
	}
	*ret_versions = versions;
	*ret_count = count;
	return 0;
}

int cp_dataset_store_activate(struct cp_db_blocking *connection, struct cp_str country, int64_t version)
{
	char id[24];
	snprintf(id, sizeof(id), "%lld", (long long)version);
	struct cp_str values[] = {country, cp_str(id)};
	CP_CLEANUP(cp_db_result_free_ptr) struct cp_db_result *result = NULL;
	int error = cp_db_blocking_run(
	    connection,
	    "insert into dataset_activation (country, dataset_version_id) select v.country, v.dataset_version_id "
	    "from dataset_version v where v.country = $1 and v.dataset_version_id = $2::bigint",
	    values, CP_COUNT(values), &result);
	if (error == 0 && cp_db_affected(result) == 0)
		return cp_fail(CP_E_NOTFOUND, "there is no version %lld of \"%.*s\"; `callpower data status` lists them",
		               (long long)version, CP_STR_ARG(country));
	return error;
}

int cp_dataset_store_rollback(struct cp_db_blocking *connection, struct cp_str country, int64_t *ret_version)
{
	struct cp_str values[] = {country};
	CP_CLEANUP(cp_db_result_free_ptr) struct cp_db_result *result = NULL;
	int error = cp_db_blocking_run(
	    connection,
	    "select b.dataset_version_id from dataset_activation b where b.country = $1 and b.dataset_version_id <> "
	    "(select a.dataset_version_id from dataset_activation a where a.country = $1 "
	    "order by a.dataset_activation_id desc limit 1) order by b.dataset_activation_id desc limit 1",
	    values, CP_COUNT(values), &result);
	if (error != 0)
		return error;
	if (cp_db_rows(result) == 0)
		return cp_fail(CP_E_NOTFOUND, "no other version of \"%.*s\" was active before", CP_STR_ARG(country));
	int64_t version = cp_db_integer(result, 0, 0);
	error = cp_dataset_store_activate(connection, country, version);
	if (error == 0)
		*ret_version = version;
	return error;
}

/* ---- copying */

static int copy_chunks(struct cp_db_blocking *connection, int64_t version, struct cp_store_file *file)
{
	CP_CLEANUP(cp_arena_free_ptr) struct cp_arena *arena = cp_arena_new();
	for (int part = 0;; ++part) {
		struct cp_str values[] = {cp_arena_printf(arena, "%lld", (long long)version), cp_arena_printf(arena, "%d", part)};
		CP_CLEANUP(cp_db_result_free_ptr) struct cp_db_result *result = NULL;
		int error = cp_db_blocking_run(
		    connection, "select content from dataset_chunk where dataset_version_id = $1::bigint and part = $2::integer",
		    values, CP_COUNT(values), &result);
		if (error == 0 && cp_db_rows(result) == 0)
			return 0;
		if (error == 0)
			error = cp_store_file_add(file, cp_db_bytes(result, 0, 0, arena));
		if (error != 0)
			return error;
		cp_arena_reset(arena);
	}
}

int cp_dataset_store_fetch(struct cp_db_blocking *connection, int64_t version, const char *cache_dir)
{
	char id[24];
	snprintf(id, sizeof(id), "%lld", (long long)version);
	struct cp_str values[] = {cp_str(id)};
	CP_CLEANUP(cp_db_result_free_ptr) struct cp_db_result *result = NULL;
	int error = cp_db_blocking_run(
	    connection, "select country, encode(sha256, 'hex') from dataset_version where dataset_version_id = $1::bigint",
	    values, CP_COUNT(values), &result);
	if (error != 0)
		return error;
	if (cp_db_rows(result) == 0)
		return cp_fail(CP_E_NOTFOUND, "there is no version %lld", (long long)version);
	struct cp_str country = cp_db_value(result, 0, 0), sha256 = cp_db_value(result, 0, 1);
	struct cp_buf path CP_CLEANUP(cp_buf_free) = {0};
	CP_CLEANUP(cp_dataset_unref_ptr) struct cp_dataset *dataset = NULL;
	cp_store_path(&path, cache_dir, country, sha256);
	if (cp_store_open(path.ptr, country, sha256, &dataset) != 0) {
		struct cp_store_file file;
		error = cp_store_file_begin(&file, cache_dir, country, sha256);
		if (error != 0)
			return error;
		error = copy_chunks(connection, version, &file);
		if (error == 0)
			error = cp_store_file_finish(&file, country, sha256, &dataset);
		cp_store_file_clear(&file);
	}
	return error == 0 ? cp_store_mark_active(cache_dir, country, sha256) : error;
}
