/* Run at build time: writes the page's files as C. embed OUT FILE... */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *type_of(const char *name)
{
	const char *dot = strrchr(name, '.');
	if (dot != NULL && strcmp(dot, ".html") == 0)
		return "text/html; charset=utf-8";
	if (dot != NULL && strcmp(dot, ".css") == 0)
		return "text/css; charset=utf-8";
	if (dot != NULL && (strcmp(dot, ".js") == 0 || strcmp(dot, ".mjs") == 0))
		return "text/javascript; charset=utf-8";
	if (dot != NULL && strcmp(dot, ".svg") == 0)
		return "image/svg+xml";
	return NULL;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash != NULL ? slash + 1 : path;
}

static int write_bytes(FILE *out, int index, const char *path)
{
	FILE *in = fopen(path, "rb");
	if (in == NULL || type_of(path) == NULL) {
		fprintf(stderr, "embed: %s cannot be read, or its kind is unknown\n", path);
		return 1;
	}
	fprintf(out, "static const unsigned char file_%d[] = {", index);
	long count = 0;
	for (int c; (c = getc(in)) != EOF; ++count)
		fprintf(out, "%s%d,", count % 24 == 0 ? "\n\t" : "", c);
	fprintf(out, "0};\n"); /* the NUL is not counted */
	return fclose(in) != 0;
}

int main(int argc, char **argv)
{
	FILE *out = argc > 2 ? fopen(argv[1], "wb") : NULL;
	if (out == NULL) {
		fprintf(stderr, "embed: usage: embed OUT FILE...\n");
		return 2;
	}
	fprintf(out, "/* made by page/embed.c */\n#include \"page.h\"\n\n");
	for (int i = 2; i < argc; ++i)
		if (write_bytes(out, i, argv[i]) != 0)
			return 1;
	fprintf(out, "\nconst struct cp_page_file cp_page_files[] = {\n");
	for (int i = 2; i < argc; ++i)
		fprintf(out, "\t{\"%s\", \"%s\", file_%d, sizeof(file_%d) - 1},\n", base_name(argv[i]), type_of(argv[i]), i, i);
	fprintf(out, "\t{NULL, NULL, NULL, 0},\n};\n");
	return fclose(out) != 0;
}
