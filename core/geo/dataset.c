#include "format.h"

#include "base/memory.h"
#include "crypto/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- opening */

static int check_body(const char *path, const unsigned char *map, size_t size, struct cp_dataset_info *ret_info)
{
	struct trailer trailer;
	memcpy(&trailer, map + size - sizeof(trailer), sizeof(trailer));
	if (memcmp(trailer.magic, TRAILER_MAGIC, sizeof(trailer.magic)) != 0)
		return cp_fail(CP_E_INPUT, "%s: this is no dataset, or its end is missing", path);
	if (trailer.format != CP_DATASET_FORMAT)
		return cp_fail(CP_E_INPUT, "%s: the dataset has format %llu, this program reads format %d; compile it again",
		               path, (unsigned long long)trailer.format, CP_DATASET_FORMAT);
	if (trailer.body_size != size - sizeof(trailer))
		return cp_fail(CP_E_INPUT, "%s: the dataset should have %llu bytes and has %zu", path,
		               (unsigned long long)(trailer.body_size + sizeof(trailer)), size);
	struct cp_str body = {(const char *)map, size - sizeof(trailer)};
	cp_sha256(&body, 1, ret_info->sha256);
	if (memcmp(ret_info->sha256, trailer.sha256, sizeof(trailer.sha256)) != 0)
		return cp_fail(CP_E_INPUT, "%s: the dataset is damaged: its content does not fit its digest", path);
	ret_info->file_size = size;
	return 0;
}

/* The digest is checked before LMDB sees the file: LMDB trusts its pages and would crash on bad ones. */
static int check_file(const char *path, struct cp_dataset_info *ret_info)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return cp_fail(CP_E_NOTFOUND, "%s: there is no such dataset", path);
	if (fd < 0)
		return cp_fail_errno("%s cannot be opened", path);
	struct stat info;
	void *map = MAP_FAILED;
	int error = 0;
	if (fstat(fd, &info) != 0)
		error = cp_fail_errno("%s cannot be examined", path);
	else if (!S_ISREG(info.st_mode))
		error = cp_fail(CP_E_INPUT, "%s: this is not a regular file", path);
	else if (info.st_size < (off_t)sizeof(struct trailer))
		error = cp_fail(CP_E_INPUT, "%s: this is no dataset, or its end is missing", path);
	else if ((map = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, fd, 0)) == MAP_FAILED)
		error = cp_fail_errno("%s cannot be mapped", path);
	else
		error = check_body(path, map, (size_t)info.st_size, ret_info);
	if (map != MAP_FAILED)
		munmap(map, (size_t)info.st_size);
	close(fd);
	return error;
}

static int lmdb_failed(const char *path, int rc)
{
	return cp_fail(CP_E_INPUT, "%s: the dataset cannot be read: %s", path, mdb_strerror(rc));
}

static int open_environment(struct cp_dataset *dataset, const char *path, MDB_dbi *ret_dbi)
{
	int rc = mdb_env_create(&dataset->env);
	if (rc == 0)
		rc = mdb_env_open(dataset->env, path, MDB_NOSUBDIR | MDB_NOLOCK | MDB_RDONLY | MDB_NOTLS | MDB_NORDAHEAD, 0);
	if (rc == 0)
		rc = mdb_txn_begin(dataset->env, NULL, MDB_RDONLY, &dataset->txn);
	if (rc == 0)
		rc = mdb_dbi_open(dataset->txn, NULL, 0, ret_dbi);
	return rc == 0 ? 0 : lmdb_failed(path, rc);
}

static int get_section(struct cp_dataset *dataset, const char *path, MDB_dbi dbi, const char *name, const void **ret_table,
                       size_t *ret_size)
{
	struct cp_str text = cp_str(name);
	MDB_val key = {text.len, (void *)(uintptr_t)text.ptr}, value;
	int rc = mdb_get(dataset->txn, dbi, &key, &value);
	if (rc != 0)
		return cp_fail(CP_E_INPUT, "%s: the section \"%s\" is missing: %s", path, name, mdb_strerror(rc));
	if ((uintptr_t)value.mv_data % 16 != 0)
		return cp_fail(CP_E_INPUT, "%s: the section \"%s\" is not aligned", path, name);
	*ret_table = value.mv_data;
	*ret_size = value.mv_size;
	return 0;
}

static int check_meta(const char *path, const struct meta_row *meta, size_t size)
{
	if (size < sizeof(*meta) || memcmp(meta->magic, META_MAGIC, sizeof(meta->magic)) != 0)
		return cp_fail(CP_E_INPUT, "%s: the header is not that of a dataset", path);
	if (meta->byte_order != BYTE_ORDER_MARK)
		return cp_fail(CP_E_INPUT, "%s: the dataset was made on a machine with another byte order; compile it again",
		               path);
	if (meta->format != CP_DATASET_FORMAT)
		return cp_fail(CP_E_INPUT, "%s: the header names format %u, this program reads %d", path, meta->format,
		               CP_DATASET_FORMAT);
	if (memchr(meta->country, '\0', sizeof(meta->country)) == NULL)
		return cp_fail(CP_E_INPUT, "%s: the header's country is not ended", path);
	return 0;
}

static void fill_info(struct cp_dataset *dataset)
{
	const struct meta_row *meta = dataset->meta;
	struct cp_dataset_info *info = &dataset->info;
	info->country = cp_str(meta->country);
	info->provider_name = cp_dataset_text(dataset, meta->provider_name);
	info->provider_version = cp_dataset_text(dataset, meta->provider_version);
	info->created_us = meta->created_us;
	memcpy(info->key, meta->key, sizeof(info->key));
	info->root = meta->root;
	info->counts = (struct cp_dataset_counts){
	    .divisions = meta->counts[SECTION_DIVISIONS],
	    .seats = meta->counts[SECTION_SEATS],
	    .vacant_seats = meta->vacant_seats,
	    .people = meta->counts[SECTION_PEOPLE],
	    .holders = meta->counts[SECTION_HOLDERS],
	    .unreachable_holders = meta->unreachable_holders,
	    .offices = meta->counts[SECTION_OFFICES],
	    .postal_codes = meta->counts[SECTION_POSTAL],
	    .postal_links = meta->counts[SECTION_LINKS],
	    .warnings = meta->counts[SECTION_WARNINGS],
	};
}

static int open_tables(struct cp_dataset *dataset, const char *path)
{
	MDB_dbi dbi;
	size_t sizes[SECTION_COUNT], size;
	const void *meta;
	int error = open_environment(dataset, path, &dbi);
	if (error == 0)
		error = get_section(dataset, path, dbi, META_KEY, &meta, &size);
	if (error == 0)
		error = check_meta(path, meta, size);
	if (error != 0)
		return error;
	dataset->meta = meta;
	for (int i = 0; i < SECTION_COUNT; ++i)
		if ((error = get_section(dataset, path, dbi, cp_dataset_shapes[i].key, &dataset->tables[i], &sizes[i])) != 0)
			return error;
	dataset->strings = dataset->tables[SECTION_STRINGS];
	error = cp_dataset_check(dataset, sizes);
	if (error != 0)
		return cp_fail_in(error, "%s: the dataset contradicts itself", path);
	fill_info(dataset);
	return 0;
}

int cp_dataset_open(const char *path, struct cp_dataset **ret_dataset)
{
	struct cp_dataset *dataset = cp_alloc(sizeof(*dataset));
	dataset->references = 1;
	int error = check_file(path, &dataset->info);
	if (error == 0)
		error = open_tables(dataset, path);
	if (error != 0) {
		cp_dataset_unref(dataset);
		return error;
	}
	*ret_dataset = dataset;
	return 0;
}

struct cp_dataset *cp_dataset_ref(struct cp_dataset *dataset)
{
	__atomic_add_fetch(&dataset->references, 1, __ATOMIC_RELAXED);
	return dataset;
}

struct cp_dataset *cp_dataset_unref(struct cp_dataset *dataset)
{
	if (dataset == NULL || __atomic_sub_fetch(&dataset->references, 1, __ATOMIC_ACQ_REL) != 0)
		return NULL;
	if (dataset->txn != NULL)
		mdb_txn_abort(dataset->txn);
	if (dataset->env != NULL)
		mdb_env_close(dataset->env);
	free(dataset);
	return NULL;
}

void cp_dataset_unref_ptr(struct cp_dataset **dataset)
{
	*dataset = cp_dataset_unref(*dataset);
}
