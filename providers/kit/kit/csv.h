/*
 * CSV as RFC 4180 has it: fields in quotes may hold separators, doubled quotes and newlines; lines end in LF or CRLF. The first
 * row names the columns. Whatever does not fit is refused with its line: a stray or unclosed quote, a row with more or fewer
 * fields than the header, a NUL byte, text that is not UTF-8, a field or row beyond the limits.
 *
 * One reader serves one thread. Its memory is the call's, fields point into the document where they can.
 */
#ifndef KIT_CSV_H
#define KIT_CSV_H

#include "kit/error.h"

struct kit_csv_options {
	uint32_t size;
	char separator;        /* 0: ',' */
	bool windows_1252;     /* the bytes are code page 1252 and are converted */
	bool repeated_columns; /* two columns may have one name; kit_csv_column() finds the first */
	uint32_t max_field;    /* bytes; 0: 64 KiB */
	uint32_t max_columns;  /* 0: 256 */
};

struct kit_csv;

/* options may be NULL. content must outlive the reader. */
KIT_EXPORT int kit_csv_open(const struct provider_call *call, struct provider_str content, const struct kit_csv_options *options,
                            struct kit_csv **ret_csv, struct kit_error *ret_error);
/* The column's index, -1 where there is none of that name. */
KIT_EXPORT int kit_csv_column(const struct kit_csv *csv, const char *name);
/* Reads a row: 1; at the end: 0; else a negative provider_rc with *ret_error filled. Empty lines are skipped. */
KIT_EXPORT int kit_csv_next(struct kit_csv *csv, struct kit_error *ret_error);
/* Of the row read last. The line is where it starts. column below 0 gives an absent field. */
KIT_EXPORT uint32_t kit_csv_line(const struct kit_csv *csv);
KIT_EXPORT struct provider_str kit_csv_field(const struct kit_csv *csv, int column);

#endif
