#include "kit/csv.h"
#include "internal.h"

#include <string.h>

struct kit_csv {
	const struct provider_call *call;
	const char *at, *end;
	struct provider_str *header, *fields;
	uint32_t columns;     /* of the header */
	uint32_t field_count; /* of the row being read */
	uint32_t line;        /* of at */
	uint32_t row_line;
	uint32_t max_field, max_columns;
	char separator;
};

/* The quote that ends a field which begins at start, and whether quotes in it are doubled. */
static int find_closing_quote(struct kit_csv *csv, const char *start, const char **ret_quote, bool *ret_doubled,
                              struct kit_error *error)
{
	bool doubled = false;
	for (const char *p = start;;) {
		p = p == csv->end ? NULL : memchr(p, '"', (size_t)(csv->end - p));
		if (p == NULL)
			return kit_fail(error, PROVIDER_E_INPUT, csv->line,
			                "a quoted field is not closed before the end of the document");
		if ((size_t)(p - start) > (size_t)csv->max_field * 2)
			return kit_fail(error, PROVIDER_E_INPUT, csv->line, "a field has more than %u bytes", csv->max_field);
		if (p + 1 == csv->end || p[1] != '"') {
			*ret_quote = p;
			*ret_doubled = doubled;
			return 0;
		}
		doubled = true;
		p += 2;
	}
}

static int read_quoted(struct kit_csv *csv, struct provider_str *ret_field, struct kit_error *error)
{
	const char *start = csv->at + 1, *quote = start;
	bool doubled = false;
	int rc = find_closing_quote(csv, start, &quote, &doubled, error);
	if (rc != 0)
		return rc;
	*ret_field = (struct provider_str){start, (size_t)(quote - start)};
	if (doubled) {
		char *copy = kit_alloc(csv->call, ret_field->len + 1);
		if (copy == NULL)
			return kit_fail_memory(error, csv->line);
		size_t used = 0;
		for (const char *p = start; p < quote; ++p) {
			copy[used++] = *p;
			p += *p == '"'; /* the second of two */
		}
		*ret_field = (struct provider_str){copy, used};
	}
	for (const char *p = start; p < quote; ++p)
		csv->line += *p == '\n';
	csv->at = quote + 1;
	if (csv->at < csv->end && *csv->at != csv->separator && *csv->at != '\n' && *csv->at != '\r')
		return kit_fail(error, PROVIDER_E_INPUT, csv->line, "there is text behind the closing quote of a field");
	return 0;
}

static int read_plain(struct kit_csv *csv, struct provider_str *ret_field, struct kit_error *error)
{
	const char *start = csv->at;
	while (csv->at < csv->end && *csv->at != csv->separator && *csv->at != '\n' && *csv->at != '\r') {
		if (*csv->at == '"')
			return kit_fail(error, PROVIDER_E_INPUT, csv->line, "there is a quote inside a field without quotes");
		++csv->at;
	}
	*ret_field = (struct provider_str){start, (size_t)(csv->at - start)};
	return 0;
}

/* Past the end of the line, if it stands there; a lone CR is no end of line. */
static int skip_line_end(struct kit_csv *csv, struct kit_error *error)
{
	if (csv->at < csv->end && *csv->at == '\r')
		++csv->at;
	if (csv->at == csv->end)
		return 0;
	if (*csv->at != '\n')
		return kit_fail(error, PROVIDER_E_INPUT, csv->line, "there is a carriage return without a line feed behind it");
	++csv->at;
	++csv->line;
	return 0;
}

static int read_row(struct kit_csv *csv, struct kit_error *error)
{
	csv->row_line = csv->line;
	csv->field_count = 0;
	for (;;) {
		if (csv->field_count == csv->max_columns)
			return kit_fail(error, PROVIDER_E_INPUT, csv->row_line, "a row has more than %u fields",
			                csv->max_columns);
		struct provider_str *field = &csv->fields[csv->field_count++];
		int rc = csv->at < csv->end && *csv->at == '"' ? read_quoted(csv, field, error) : read_plain(csv, field, error);
		if (rc != 0)
			return rc;
		if (field->len > csv->max_field)
			return kit_fail(error, PROVIDER_E_INPUT, csv->row_line, "a field has more than %u bytes", csv->max_field);
		if (csv->at == csv->end || *csv->at != csv->separator)
			return skip_line_end(csv, error);
		++csv->at;
	}
}

static void skip_empty_lines(struct kit_csv *csv)
{
	for (;;) {
		const char *p = csv->at;
		if (p < csv->end && *p == '\r')
			++p;
		if (p == csv->end || *p != '\n')
			return;
		csv->at = p + 1;
		++csv->line;
	}
}

static int read_header(struct kit_csv *csv, bool repeated_columns, struct kit_error *error)
{
	skip_empty_lines(csv);
	if (csv->at == csv->end)
		return kit_fail(error, PROVIDER_E_INPUT, 1, "the document is empty: there is no row that names the columns");
	int rc = read_row(csv, error);
	if (rc != 0)
		return rc;
	csv->columns = csv->field_count;
	csv->header = kit_alloc(csv->call, csv->columns * sizeof(*csv->header));
	if (csv->header == NULL)
		return kit_fail_memory(error, csv->row_line);
	memcpy(csv->header, csv->fields, csv->columns * sizeof(*csv->header));
	for (uint32_t i = 0; i < csv->columns && !repeated_columns; ++i)
		for (uint32_t k = 0; k < i; ++k)
			if (csv->header[i].len == csv->header[k].len &&
			    memcmp(csv->header[i].ptr, csv->header[k].ptr, csv->header[i].len) == 0)
				return kit_fail(error, PROVIDER_E_INPUT, csv->row_line, "two columns are called \"%.*s\"",
				                (int)(csv->header[i].len > 60 ? 60 : csv->header[i].len), csv->header[i].ptr);
	return 0;
}

int kit_csv_open(const struct provider_call *call, struct provider_str content, const struct kit_csv_options *options,
                 struct kit_csv **ret_csv, struct kit_error *error)
{
	static const struct kit_csv_options presets = {.size = sizeof(presets)};
	if (options == NULL)
		options = &presets;
	int rc;
	if (PROVIDER_HAS(options, windows_1252) && options->windows_1252)
		rc = kit_from_windows_1252(call, content, &content, error);
	else
		rc = kit_check_utf8(content, error);
	if (rc != 0)
		return rc;
	if (content.len >= 3 && memcmp(content.ptr, "\xEF\xBB\xBF", 3) == 0)
		content = (struct provider_str){content.ptr + 3, content.len - 3};
	struct kit_csv *csv = kit_alloc(call, sizeof(*csv));
	if (csv == NULL)
		return kit_fail_memory(error, 0);
	if (content.ptr == NULL)
		content.ptr = "";
	*csv = (struct kit_csv){
	    .call = call,
	    .at = content.ptr,
	    .end = content.ptr + content.len,
	    .line = 1,
	    .separator = PROVIDER_HAS(options, separator) && options->separator != 0 ? options->separator : ',',
	    .max_field = PROVIDER_HAS(options, max_field) && options->max_field != 0 ? options->max_field : 64 * 1024,
	    .max_columns = PROVIDER_HAS(options, max_columns) && options->max_columns != 0 ? options->max_columns : 256,
	};
	csv->fields = kit_alloc(call, csv->max_columns * sizeof(*csv->fields));
	if (csv->fields == NULL)
		return kit_fail_memory(error, 0);
	rc = read_header(csv, PROVIDER_HAS(options, repeated_columns) && options->repeated_columns, error);
	if (rc != 0)
		return rc;
	*ret_csv = csv;
	return 0;
}

int kit_csv_column(const struct kit_csv *csv, const char *name)
{
	size_t len = strlen(name);
	for (uint32_t i = 0; i < csv->columns; ++i)
		if (csv->header[i].len == len && memcmp(csv->header[i].ptr, name, len) == 0)
			return (int)i;
	return -1;
}

int kit_csv_next(struct kit_csv *csv, struct kit_error *error)
{
	skip_empty_lines(csv);
	if (csv->at == csv->end)
		return 0;
	if (csv->line % 1024 == 0 && kit_expired(csv->call))
		return kit_fail(error, PROVIDER_E_LIMIT, csv->line, "the time that a plugin may take is over");
	int rc = read_row(csv, error);
	if (rc != 0)
		return rc;
	if (csv->field_count != csv->columns)
		return kit_fail(error, PROVIDER_E_INPUT, csv->row_line, "the row has %u fields, the header has %u",
		                csv->field_count, csv->columns);
	return 1;
}

uint32_t kit_csv_line(const struct kit_csv *csv)
{
	return csv->row_line;
}

struct provider_str kit_csv_field(const struct kit_csv *csv, int column)
{
	if (column < 0 || (uint32_t)column >= csv->field_count)
		return (struct provider_str){NULL, 0};
	return csv->fields[column];
}
