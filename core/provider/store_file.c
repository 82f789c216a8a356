#include "store_file.h"

#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEPT_VERSIONS = 4, MOST_FILES = 512 };

void cp_store_path(struct cp_buf *path, const char *cache_dir, struct cp_str country, struct cp_str sha256)
{
	cp_buf_printf(path, "%s/%.*s-%.*s.dataset", cache_dir, CP_STR_ARG(country), CP_STR_ARG(sha256));
}

int cp_store_open(const char *path, struct cp_str country, struct cp_str sha256, struct cp_dataset **ret_dataset)
{
	struct cp_dataset *dataset;
	char hex[2 * CP_SHA256_SIZE + 1];
	int error = cp_dataset_open(path, &dataset);
	if (error != 0)
		return error;
	const struct cp_dataset_info *info = cp_dataset_info(dataset);
	cp_hex(info->sha256, sizeof(info->sha256), hex);
	if (!cp_str_eq(info->country, country) || !cp_str_eq(cp_str(hex), sha256)) {
		cp_dataset_unref(dataset);
		return cp_fail(CP_E_INPUT, "%s: this is another version than its name says", path);
	}
	*ret_dataset = dataset;
	return 0;
}

/* ---- writing */

int cp_store_file_begin(struct cp_store_file *file, const char *cache_dir, struct cp_str country, struct cp_str sha256)
{
	*file = (struct cp_store_file){.fd = -1};
	cp_store_path(&file->path, cache_dir, country, sha256);
	cp_buf_printf(&file->temporary, "%s.XXXXXX", file->path.ptr);
	file->fd = mkostemp(file->temporary.ptr, O_CLOEXEC);
	if (file->fd < 0) {
		int error = cp_fail_errno("no file can be made in the cache folder %s", cache_dir);
		cp_buf_free(&file->temporary);
		cp_store_file_clear(file);
		return error;
	}
	return 0;
}

int cp_store_file_add(struct cp_store_file *file, struct cp_str part)
{
	while (part.len != 0) {
		ssize_t written = write(file->fd, part.ptr, part.len);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return cp_fail_errno("%s cannot be written", file->temporary.ptr);
		part = cp_str_n(part.ptr + written, part.len - (size_t)written);
	}
	return 0;
}

int cp_store_file_finish(struct cp_store_file *file, struct cp_str country, struct cp_str sha256, struct cp_dataset **ret_dataset)
{
	if (fsync(file->fd) != 0)
		return cp_fail_errno("%s cannot be made durable", file->temporary.ptr);
	close(file->fd);
	file->fd = -1;
	struct cp_dataset *dataset;
	int error = cp_store_open(file->temporary.ptr, country, sha256, &dataset);
	if (error != 0)
		return error;
	if (rename(file->temporary.ptr, file->path.ptr) != 0) {
		cp_dataset_unref(dataset);
		return cp_fail_errno("%s cannot be renamed", file->temporary.ptr);
	}
	cp_buf_free(&file->temporary); /* nothing is unfinished any more */
	*ret_dataset = dataset;
	return 0;
}

void cp_store_file_clear(struct cp_store_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	if (file->temporary.len != 0)
		unlink(file->temporary.ptr);
	cp_buf_free(&file->path);
	cp_buf_free(&file->temporary);
	file->fd = -1;
}

/* ---- the active one */

struct cached {
	char name[160];
	struct timespec time;
};

static int newest_first(const void *a, const void *b)
{
	const struct cached *x = a, *y = b;
	if (x->time.tv_sec != y->time.tv_sec)
		return x->time.tv_sec > y->time.tv_sec ? -1 : 1;
	return (x->time.tv_nsec < y->time.tv_nsec) - (x->time.tv_nsec > y->time.tv_nsec);
}

/* A cache may lose any file: whoever has one mapped keeps it, whoever lacks one fetches it again. Failures do not matter. */
static void drop_old(const char *cache_dir, struct cp_str country, struct cp_str active)
{
	struct cp_buf start CP_CLEANUP(cp_buf_free) = {0};
	cp_buf_printf(&start, "%.*s-", CP_STR_ARG(country));
	DIR *dir = opendir(cache_dir);
	if (dir == NULL)
		return;
	struct cached *files = cp_alloc_array(MOST_FILES, sizeof(*files));
	size_t count = 0;
	for (struct dirent *entry; count < MOST_FILES && (entry = readdir(dir)) != NULL;) {
		struct stat info;
		struct cp_str name = cp_str(entry->d_name);
		if (!cp_str_starts(name, cp_buf_str(&start)) || !cp_str_ends(name, CP_STR(".dataset")) ||
		    cp_str_eq(name, active) || name.len >= sizeof(files->name) ||
		    fstatat(dirfd(dir), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		memcpy(files[count].name, name.ptr, name.len + 1);
		files[count++].time = info.st_mtim;
	}
	qsort(files, count, sizeof(*files), newest_first);
	for (size_t i = KEPT_VERSIONS; i < count; ++i)
		unlinkat(dirfd(dir), files[i].name, 0);
	closedir(dir);
	free(files);
}

int cp_store_mark_active(const char *cache_dir, struct cp_str country, struct cp_str sha256)
{
	struct cp_buf target CP_CLEANUP(cp_buf_free) = {0}, path CP_CLEANUP(cp_buf_free) = {0},
	                     link CP_CLEANUP(cp_buf_free) = {0};
	cp_buf_printf(&target, "%.*s-%.*s.dataset", CP_STR_ARG(country), CP_STR_ARG(sha256));
	cp_buf_printf(&path, "%s/%.*s.active.%ld", cache_dir, CP_STR_ARG(country), (long)getpid());
	cp_buf_printf(&link, "%s/%.*s.active", cache_dir, CP_STR_ARG(country));
	unlink(path.ptr);
	if (symlink(target.ptr, path.ptr) != 0)
		return cp_fail_errno("%s cannot be made", path.ptr);
	if (rename(path.ptr, link.ptr) != 0) {
		int error = cp_fail_errno("%s cannot be replaced", link.ptr);
		unlink(path.ptr);
		return error;
	}
	drop_old(cache_dir, country, cp_buf_str(&target));
	return 0;
}
