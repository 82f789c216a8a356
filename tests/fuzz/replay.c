/* Runs a fuzz target over every file of the folders (and files) named on the command line. */
#include "fuzz.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>

enum { INPUT_SIZE = 1 << 20, PATH_SIZE = 4096 };

static bool replay_file(const char *path)
{
	static uint8_t content[INPUT_SIZE];
	FILE *file = fopen(path, "rb");
	if (file == NULL) {
		perror(path);
		return false;
	}
	size_t size = fread(content, 1, sizeof(content), file);
	fclose(file);
	fprintf(stderr, "%s\n", path); /* the last one named is the one that failed */
	/* exactly as large as the input, so that a sanitizer sees a read behind it */
	uint8_t *exact = malloc(size == 0 ? 1 : size);
	if (exact == NULL)
		return false;
	for (size_t i = 0; i < size; ++i)
		exact[i] = content[i];
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	return true;
}

static bool replay(const char *path)
{
	struct stat status;
	struct dirent *entry;
	char inner[PATH_SIZE];
	bool good = true;
	if (stat(path, &status) != 0) {
		perror(path);
		return false;
	}
	if (!S_ISDIR(status.st_mode))
		return replay_file(path);
	DIR *folder = opendir(path);
	if (folder == NULL) {
		perror(path);
		return false;
	}
	while ((entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		int len = snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name);
		good = len > 0 && (size_t)len < sizeof(inner) && replay(inner) && good;
	}
	closedir(folder);
	return good;
}

int main(int argc, char **argv)
{
	bool good = argc > 1;
	for (int i = 1; i < argc; ++i)
		good = replay(argv[i]) && good;
	return good ? 0 : 1;
}
