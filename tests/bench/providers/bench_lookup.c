/*
 * What a country's data cost: compiling them, opening the file, a postal code to its targets, memory. One JSON object a line.
 *
 *     bench_lookup [PLUGIN FOLDER TYPE]
 *
 * Without arguments: the US plugin beside the program's build over $CALLPOWER_DATA, or ../shared/data beside the checkout; where
 * neither is there, the sample country. limit: what the architecture asks for; ratio: value / limit.
 */
#include "base/memory.h"
#include "campaign/targets.h"
#include "provider/compile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile uintptr_t sink; /* keeps the compiler from leaving the work out */

static double now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void print(const char *name, double value, const char *unit, double limit)
{
	printf("{\"name\": \"%s\", \"value\": %.4g, \"unit\": \"%s\", ", name, value, unit);
	if (limit > 0)
		printf("\"limit\": %.4g, \"ratio\": %.3g}\n", limit, value / limit);
	else
		printf("\"limit\": null, \"ratio\": null}\n");
	fflush(stdout);
}

static double resident_bytes(void)
{
	unsigned long size = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	if (file != NULL && fscanf(file, "%lu %lu", &size, &resident) != 2)
		resident = 0;
	if (file != NULL)
		fclose(file);
	return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static _Noreturn void give_up(void)
{
	fprintf(stderr, "bench_lookup: %s\n", cp_error_message());
	exit(1);
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare_doubles);
	return values[count / 2];
}

/* ---- measurements */

static void measure_compile(const char *plugin, const char *folder, const char *path)
{
	enum { ROUNDS = 5 };
	double seconds[ROUNDS];
	CP_CLEANUP(cp_providers_free_ptr) struct cp_providers *set = NULL;
	if (cp_providers_load_file(plugin, &set) != 0)
		give_up();
	for (int i = 0; i < ROUNDS; ++i) {
		CP_CLEANUP(cp_arena_free_ptr) struct cp_arena *arena = cp_arena_new();
		struct cp_compile_document *documents;
		size_t count;
		double start = now_ns();
		if (cp_compile_read(cp_provider_at(set, 0), folder, arena, &documents, &count) != 0 ||
		    cp_compile(cp_provider_at(set, 0), documents, count, NULL, path) != 0)
			give_up();
		seconds[i] = (now_ns() - start) / 1e9;
	}
	print("data_compile", median(seconds, ROUNDS), "s", 10);
}

static struct cp_dataset *measure_open(const char *path)
{
	enum { ROUNDS = 21 };
	double milliseconds[ROUNDS];
	struct cp_dataset *dataset = NULL;
	for (int i = 0; i < ROUNDS; ++i) {
		cp_dataset_unref(dataset);
		double start = now_ns();
		if (cp_dataset_open(path, &dataset) != 0)
			give_up();
		milliseconds[i] = (now_ns() - start) / 1e6;
	}
	print("data_open", median(milliseconds, ROUNDS), "ms", 200);
	print("data_file", (double)cp_dataset_info(dataset)->file_size / 1e6, "MB", 0);
	return dataset;
}

/* The codes in another order than they lie in the file: each look-up meets cold lines of it. */
static struct cp_str *shuffled_codes(const struct cp_dataset *dataset, uint32_t count)
{
	struct cp_str *codes = cp_alloc_array(count, sizeof(*codes));
	for (uint32_t i = 0; i < count; ++i)
		codes[i] = cp_dataset_postal_code(dataset, i);
	uint64_t state = 88172645463325252u;
	for (uint32_t i = count; i > 1; --i) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		uint32_t k = (uint32_t)(state % i);
		struct cp_str swapped = codes[i - 1];
		codes[i - 1] = codes[k];
		codes[k] = swapped;
	}
	return codes;
}

static void measure_lookups(const struct cp_dataset *dataset, const char *type)
{
	enum { ROUNDS = 11 };
	uint32_t count = cp_dataset_info(dataset)->counts.postal_codes;
	CP_CLEANUP(cp_free_ptr) struct cp_str *codes = shuffled_codes(dataset, count);
	CP_CLEANUP(cp_arena_free_ptr) struct cp_arena *arena = cp_arena_new();
	struct cp_targets_query query = {.type = cp_str(type), .subtype = CP_STR("both"), .order = CP_STR("upper-first")};
	double divisions[ROUNDS], targets[ROUNDS], found = 0;
	for (int round = 0; round < ROUNDS; ++round) {
		double start = now_ns();
		for (uint32_t i = 0; i < count; ++i) {
			const struct cp_postal_link *links;
			size_t links_found;
			if (cp_dataset_postal(dataset, codes[i], &links, &links_found) != 0)
				give_up();
			sink += links->division + links_found;
		}
		divisions[round] = (now_ns() - start) / count;
		found = 0;
		start = now_ns();
		for (uint32_t i = 0; i < count; ++i) {
			struct cp_targets result;
			query.postal_code = codes[i];
			if (cp_targets_select(dataset, &query, arena, &result) != 0)
				give_up();
			found += (double)result.count;
			cp_arena_reset(arena);
		}
		targets[round] = (now_ns() - start) / count;
	}
	print("postal_code_to_divisions", median(divisions, ROUNDS), "ns", 0);
	print("postal_code_to_targets", median(targets, ROUNDS), "ns", 2000);
	print("targets_per_postal_code", found / count, "targets", 0);
}

/* ---- where things are */

static const char *beside_program(const char *relative)
{
	static char paths[2][4096];
	static int next;
	char *path = paths[next++ % 2];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(paths[0]) - 256);
	while (len > 0 && path[len - 1] != '/')
		--len;
	snprintf(path + (len < 0 ? 0 : len), 256, "%s", relative);
	return path;
}

int main(int argc, char **argv)
{
	const char *plugin = beside_program("../../../providers/us.so"), *type = "congress";
	const char *data[] = {getenv("CALLPOWER_DATA"), CHECKOUT "/../shared/data"}, *folder = NULL;
	char path[] = "/tmp/cp-bench-XXXXXX", probe[4096];
	if (argc != 1 && argc != 4) {
		fprintf(stderr, "usage: bench_lookup [PLUGIN FOLDER TYPE]\n");
		return 2;
	}
	for (size_t i = 0; i < CP_COUNT(data) && folder == NULL; ++i) {
		snprintf(probe, sizeof(probe), "%s/us/legislators-current.yaml", data[i] == NULL ? "/nowhere" : data[i]);
		folder = access(probe, R_OK) == 0 ? data[i] : NULL;
	}
	if (folder == NULL) {
		fprintf(stderr, "bench_lookup: no data of the United States here; the sample country is measured\n");
		plugin = beside_program("../../../providers/sample.so");
		folder = CHECKOUT "/providers/sample/data";
		type = "parliament";
	}
	if (argc == 4) {
		plugin = argv[1];
		folder = argv[2];
		type = argv[3];
	}
	int fd = mkstemp(path);
	if (fd < 0) {
		perror("bench_lookup");
		return 1;
	}
	close(fd);
	measure_compile(plugin, folder, path);
	double before = resident_bytes();
	struct cp_dataset *dataset = NULL;
	if (cp_dataset_open(path, &dataset) != 0)
		give_up();
	double open = resident_bytes();
	cp_dataset_unref(dataset);
	dataset = measure_open(path);
	measure_lookups(dataset, type);
	print("data_resident", (open - before) / 1e6, "MB", 64);
	cp_dataset_unref(dataset);
	unlink(path);
	return 0;
}
