/* The files of the page, compiled in by page/embed.c; ended by a name of NULL. */
#ifndef CARRIER_PAGE_H
#define CARRIER_PAGE_H

#include <stddef.h>

struct cp_page_file {
	const char *name, *type;
	const unsigned char *bytes;
	size_t size;
};

extern const struct cp_page_file cp_page_files[];

#endif
