#include "builder_internal.h"

#include "base/memory.h"
#include "crypto/hash.h"
#include "geo/builder.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Every seat without holder is told: by the plugin, which may know why, or here. */
static int warn_of_vacancies(struct cp_dataset_builder *builder)
{
	const struct table *seats = &builder->tables[SECTION_SEATS];
	for (uint32_t i = 0; i < seats->count; ++i) {
		const struct seat_row *seat = cp_table_row(seats, sizeof(*seat), i);
		if (seat->holder_count != 0)
			continue;
		++builder->meta.vacant_seats;
		char id[512], text[1024];
		snprintf(id, sizeof(id), "%.*s", CP_STR_ARG(cp_builder_text(builder, seat->id)));
		if (cp_map_get(builder->vacancies, cp_str(id)) != NULL)
			continue;
		snprintf(text, sizeof(text), "Nobody holds the seat of %.*s for %.*s.",
		         CP_STR_ARG(cp_builder_text(builder, seat->title)), CP_STR_ARG(cp_builder_text(builder, seat->district)));
		struct cp_dataset_warning warning = {CP_DATASET_VACANCY, cp_str(id), cp_str(text), seat->from};
		int error = cp_dataset_builder_warning(builder, &warning);
		if (error != 0)
			return error;
	}
	return 0;
}

/* ---- the file */

static int lmdb_failed(const char *path, int rc)
{
	return cp_fail(rc > 0 ? CP_E_SYSTEM : CP_E_BUG, "%s cannot be written: %s", path, mdb_strerror(rc));
}

/* A value of at least one page has pages of its own, which start aligned; the rest of it is zero. */
static int put_section(MDB_txn *txn, MDB_dbi dbi, const char *name, const void *rows, size_t size, size_t page)
{
	size_t padded = (size < page ? page : size) + 7;
	padded -= padded % 8;
	MDB_val key = {strlen(name), (void *)(uintptr_t)name}, value = {padded, NULL};
	int rc = mdb_put(txn, dbi, &key, &value, MDB_RESERVE);
	if (rc != 0)
		return rc;
	if (size != 0)
		memcpy(value.mv_data, rows, size);
	memset((char *)value.mv_data + size, 0, padded - size);
	return 0;
}

static int put_sections(struct cp_dataset_builder *builder, MDB_txn *txn, size_t page)
{
	MDB_dbi dbi;
	int rc = mdb_dbi_open(txn, NULL, 0, &dbi);
	for (int i = 0; i < SECTION_COUNT && rc == 0; ++i) {
		builder->meta.counts[i] = builder->tables[i].count;
		rc = put_section(txn, dbi, cp_dataset_shapes[i].key, builder->tables[i].rows,
		                 (size_t)builder->tables[i].count * cp_dataset_shapes[i].width, page);
	}
	return rc == 0 ? put_section(txn, dbi, META_KEY, &builder->meta, sizeof(builder->meta), page) : rc;
}

static int write_sections(struct cp_dataset_builder *builder, const char *path)
{
	size_t size = 1 << 20;
	for (int i = 0; i < SECTION_COUNT; ++i)
		size += (size_t)builder->tables[i].count * cp_dataset_shapes[i].width + (1 << 17);
	MDB_env *env = NULL;
	MDB_txn *txn = NULL;
	MDB_stat stat;
	int rc = mdb_env_create(&env);
	if (rc == 0)
		rc = mdb_env_set_mapsize(env, (size + 0xFFFFF) & ~(size_t)0xFFFFF);
	if (rc == 0)
		rc = mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOLOCK, 0644);
	if (rc == 0)
		rc = mdb_env_stat(env, &stat);
	if (rc == 0)
		rc = mdb_txn_begin(env, NULL, 0, &txn);
	if (rc == 0) {
		rc = put_sections(builder, txn, stat.ms_psize);
		if (rc == 0)
			rc = mdb_txn_commit(txn);
		else
			mdb_txn_abort(txn);
	}
	if (env != NULL)
		mdb_env_close(env);
	return rc == 0 ? 0 : lmdb_failed(path, rc);
}

static int append_trailer(const char *path, int fd)
{
	struct stat info;
	if (fstat(fd, &info) != 0)
		return cp_fail_errno("%s cannot be examined", path);
	struct trailer trailer = {.body_size = (uint64_t)info.st_size, .format = CP_DATASET_FORMAT};
	memcpy(trailer.magic, TRAILER_MAGIC, sizeof(trailer.magic));
	void *map = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return cp_fail_errno("%s cannot be mapped", path);
	struct cp_str body = {map, (size_t)info.st_size};
	cp_sha256(&body, 1, trailer.sha256);
	munmap(map, (size_t)info.st_size);
	ssize_t written = pwrite(fd, &trailer, sizeof(trailer), info.st_size);
	if (written < 0)
		return cp_fail_errno("%s cannot be written", path);
	if (written != (ssize_t)sizeof(trailer))
		return cp_fail(CP_E_SYSTEM, "%s cannot be written: the disk is full", path);
	return fsync(fd) == 0 ? 0 : cp_fail_errno("%s cannot be made durable", path);
}

static int finish_file(const char *temporary, const char *path)
{
	int fd = open(temporary, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return cp_fail_errno("%s cannot be opened", temporary);
	int error = append_trailer(temporary, fd);
	close(fd);
	if (error == 0 && rename(temporary, path) != 0)
		error = cp_fail_errno("%s cannot be renamed to %s", temporary, path);
	if (error != 0)
		return error;
	CP_CLEANUP(cp_free_ptr) char *copy = cp_strdup(path);
	int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder >= 0) {
		fsync(folder); /* some file systems refuse it for folders; the file itself is safe */
		close(folder);
	}
	return 0;
}

int cp_dataset_builder_finish(struct cp_dataset_builder *builder, int64_t created_us, const char *path)
{
	int error = cp_builder_arrange(builder);
	if (error == 0)
		error = warn_of_vacancies(builder);
	if (error != 0)
		return error;
	builder->meta.created_us = created_us;
	cp_dataset_builder_key(builder, builder->meta.key);
	struct cp_buf temporary CP_CLEANUP(cp_buf_free) = {0};
	cp_buf_printf(&temporary, "%s.new.%ld", path, (long)getpid());
	if (unlink(temporary.ptr) != 0 && errno != ENOENT)
		return cp_fail_errno("%s is in the way", temporary.ptr);
	error = write_sections(builder, temporary.ptr);
	if (error == 0)
		error = finish_file(temporary.ptr, path);
	if (error != 0)
		unlink(temporary.ptr);
	return error;
}
