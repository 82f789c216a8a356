#include "sink.h"

#include "base/clock.h"
#include "base/memory.h"
#include "crypto/hash.h"
#include "provider/compile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint64_t default_memory = (uint64_t)1 << 30;
enum { DEFAULT_TIMEOUT_S = 120 };

/* ---- documents */

static size_t count_documents(const struct provider_manifest *manifest)
{
	size_t count = 0;
	while (manifest->documents[count] != NULL)
		++count;
	return count;
}

static int read_all(int fd, const char *path, size_t size, struct cp_arena *arena, struct cp_str *ret_content)
{
	char *content = cp_arena_alloc(arena, size + 1);
	size_t used = 0;
	while (used < size) {
		ssize_t got = read(fd, content + used, size - used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return cp_fail_errno("%s cannot be read", path);
		if (got == 0)
			return cp_fail(CP_E_CONFLICT, "%s became shorter while it was read", path);
		used += (size_t)got;
	}
	*ret_content = cp_str_n(content, size);
	return 0;
}

static int read_document(const struct provider_document *spec, struct cp_str path, struct cp_arena *arena,
                         struct cp_compile_document *document)
{
	int fd = open(path.ptr, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* not to wait for the writer of a pipe */
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? CP_E_NOTFOUND : cp_fail_errno("%s cannot be opened", path.ptr);
	struct stat info;
	int error = 0;
	if (fstat(fd, &info) != 0)
		error = cp_fail_errno("%s cannot be examined", path.ptr);
	else if (!S_ISREG(info.st_mode))
		error = cp_fail(CP_E_INPUT, "%s is not a regular file", path.ptr);
	else if ((uint64_t)info.st_size > spec->max_size)
		error = cp_fail(CP_E_LIMIT, "%s has %lld bytes; the document \"%s\" has at most %llu", path.ptr,
		                (long long)info.st_size, spec->name, (unsigned long long)spec->max_size);
	else
		error = read_all(fd, path.ptr, (size_t)info.st_size, arena, &document->content);
	close(fd);
	if (error != 0)
		return error;
	char date[CP_CLOCK_ISO_SIZE];
	cp_clock_iso((int64_t)info.st_mtim.tv_sec * 1000000, date);
	document->date = cp_arena_str(arena, cp_str_n(date, strlen("2026-11-22")));
	document->path = path;
	cp_sha256(&document->content, 1, document->sha256);
	return 0;
}

static int find_document(const struct cp_provider *provider, const struct provider_document *spec, const char *folder,
                         struct cp_arena *arena, struct cp_compile_document *document)
{
	for (size_t i = 0; spec->files[i] != NULL; ++i) {
		struct cp_str paths[] = {
		    cp_arena_printf(arena, "%s/%.*s/%s", folder, CP_STR_ARG(provider->country), spec->files[i]),
		    cp_arena_printf(arena, "%s/%s", folder, spec->files[i]),
		};
		for (size_t k = 0; k < CP_COUNT(paths); ++k) {
			int error = read_document(spec, paths[k], arena, document);
			if (error == 0)
				document->file = cp_str(spec->files[i]);
			if (error != CP_E_NOTFOUND)
				return error;
		}
	}
	if ((spec->flags & PROVIDER_DOCUMENT_OPTIONAL) != 0)
		return 0;
	return cp_fail(CP_E_NOTFOUND, "the document \"%s\" (%s) of %.*s is neither in %s/%.*s nor in %s; it is published at %s",
	               spec->name, spec->files[0], CP_STR_ARG(provider->name), folder, CP_STR_ARG(provider->country), folder,
	               spec->address);
}

int cp_compile_read(const struct cp_provider *provider, const char *folder, struct cp_arena *arena,
                    struct cp_compile_document **ret_documents, size_t *ret_count)
{
	size_t count = count_documents(provider->manifest);
	struct cp_compile_document *documents = cp_arena_alloc_array(arena, count, sizeof(*documents));
	for (size_t i = 0; i < count; ++i) {
		int error = find_document(provider, provider->manifest->documents[i], folder, arena, &documents[i]);
		if (error != 0)
			return error;
	}
	*ret_documents = documents;
	*ret_count = count;
	return 0;
}

/* ---- what the manifest says goes into the dataset, so that a server needs the plugin for nothing but postal codes */

static int add_sources(struct cp_dataset_builder *builder, const struct cp_provider *provider,
                       const struct cp_compile_document *documents, size_t count)
{
	int error = 0;
	for (size_t i = 0; i < count && error == 0; ++i) {
		const struct provider_document *spec = provider->manifest->documents[i];
		struct cp_dataset_source source = {
		    .name = cp_str(spec->name),
		    .file = documents[i].file.ptr == NULL ? cp_str(spec->files[0]) : documents[i].file,
		    .address = cp_str(spec->address),
		    .licence = cp_str(spec->licence),
		    .date = documents[i].date,
		    .size = documents[i].content.len,
		};
		memcpy(source.sha256, documents[i].sha256, sizeof(source.sha256));
		error = cp_dataset_builder_source(builder, &source);
	}
	return error;
}

static int add_campaign(struct cp_dataset_builder *builder, const struct provider_campaign *campaign)
{
	struct cp_str type = cp_str(campaign->name);
	int error = 0;
	for (size_t i = 0; campaign->subtypes[i] != NULL && error == 0; ++i) {
		const struct provider_subtype *subtype = campaign->subtypes[i];
		struct cp_campaign_kind kind = {type, cp_str(campaign->label), cp_str(subtype->name), cp_str(subtype->label),
		                                subtype->chambers};
		error = cp_dataset_builder_kind(builder, &kind);
	}
	for (size_t i = 0; campaign->orders[i] != NULL && error == 0; ++i) {
		const struct provider_order *order = campaign->orders[i];
		struct cp_campaign_order added = {type, cp_str(order->name), cp_str(order->label),
		                                  (enum cp_order_rule)order->rule, cp_str(order->party)};
		error = cp_dataset_builder_order(builder, &added);
	}
	if (error == 0 && (campaign->locate & PROVIDER_LOCATE_POSTAL) != 0) {
		struct cp_campaign_locator locator = {type, CP_STR("postal")};
		error = cp_dataset_builder_locator(builder, &locator);
	}
	return error;
}

static int new_builder(const struct cp_provider *provider, const struct cp_compile_document *documents, size_t count,
                       struct cp_dataset_builder **ret_builder)
{
	struct cp_dataset_builder *builder = cp_dataset_builder_new(provider->country, provider->name, provider->version);
	int error = add_sources(builder, provider, documents, count);
	for (size_t i = 0; provider->manifest->campaigns[i] != NULL && error == 0; ++i)
		error = add_campaign(builder, provider->manifest->campaigns[i]);
	if (error != 0) {
		cp_dataset_builder_free(builder);
		return error;
	}
	*ret_builder = builder;
	return 0;
}

int cp_compile_key(const struct cp_provider *provider, const struct cp_compile_document *documents, size_t count,
                   uint8_t ret_key[CP_SHA256_SIZE])
{
	struct cp_dataset_builder *builder;
	int error = new_builder(provider, documents, count, &builder);
	if (error != 0)
		return error;
	cp_dataset_builder_key(builder, ret_key);
	cp_dataset_builder_free(builder);
	return 0;
}

/* ---- compiling */

static int run_plugin(const struct cp_provider *provider, const struct cp_compile_document *documents, size_t count,
                      const struct cp_compile_limits *limits, struct cp_arena *arena, struct cp_dataset_builder *builder)
{
	struct provider_content *contents = cp_arena_alloc_array(arena, count, sizeof(*contents));
	const struct provider_content **pointers = cp_arena_alloc_array(arena, count, sizeof(*pointers));
	struct cp_str *files = cp_arena_alloc_array(arena, count, sizeof(*files));
	for (size_t i = 0; i < count; ++i) {
		contents[i] = (struct provider_content){
		    .size = sizeof(contents[i]),
		    .document = provider->manifest->documents[i],
		    .file = cp_to_provider(documents[i].file),
		    .content = cp_to_provider(documents[i].content),
		};
		pointers[i] = &contents[i];
		files[i] = documents[i].file;
	}
	struct cp_host host;
	cp_host_init(&host, arena, limits->memory == 0 ? default_memory : limits->memory,
	             (limits->timeout_s == 0 ? DEFAULT_TIMEOUT_S : limits->timeout_s) * 1000);
	host.files = files;
	host.file_count = count;
	struct cp_compile_sink sink;
	cp_compile_sink_init(&sink, &host, builder);
	int rc = provider->manifest->ops->compile(&host.call, pointers, (uint32_t)count, &sink.sink);
	if (sink.error != 0) { /* whatever the plugin made of it */
		cp_fail(sink.error, "%s", sink.message);
		return sink.error;
	}
	return cp_host_result(&host, rc, "the documents");
}

int cp_compile(const struct cp_provider *provider, const struct cp_compile_document *documents, size_t count,
               const struct cp_compile_limits *limits, const char *path)
{
	static const struct cp_compile_limits presets = {0};
	CP_CLEANUP(cp_dataset_builder_free_ptr) struct cp_dataset_builder *builder = NULL;
	CP_CLEANUP(cp_arena_free_ptr) struct cp_arena *arena = cp_arena_new();
	int error = new_builder(provider, documents, count, &builder);
	if (error == 0)
		error = run_plugin(provider, documents, count, limits == NULL ? &presets : limits, arena, builder);
	return error == 0 ? cp_dataset_builder_finish(builder, cp_clock_now_us(), path) : error;
}
