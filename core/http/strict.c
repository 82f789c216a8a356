/*
 * What libh2o 2.2.5 lets through and we do not: requests whose end or addressee two readers could see differently (request
 * smuggling, RFC 9112 sections 3.2, 5.2 and 6.3), and paths that are not text.
 */
#include "internal.h"

#include <strings.h>

struct head {
	unsigned hosts, lengths, encodings;
};

static bool starts_with(const char *line, size_t len, const char *name, size_t name_len)
{
	return len >= name_len && (line[0] | 0x20) == name[0] && strncasecmp(line, name, name_len) == 0;
}

/* libh2o keeps one value of each of these and forgets the others, so they are counted in the bytes as they came. */
static struct head count_in_head(const char *bytes, size_t size)
{
	struct head head = {0};
	const char *end = bytes + size;
	bool request_line_seen = false;
	while (bytes < end) {
		const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
		size_t len = newline == NULL ? (size_t)(end - bytes) : (size_t)(newline - bytes);
		if (len == 0 || (len == 1 && bytes[0] == '\r')) {
			if (request_line_seen)
				break;
		} else if (!request_line_seen) {
			request_line_seen = true;
		} else {
			head.hosts += starts_with(bytes, len, "host:", 5);
			head.lengths += starts_with(bytes, len, "content-length:", 15);
			head.encodings += starts_with(bytes, len, "transfer-encoding:", 18);
		}
		if (newline == NULL)
			break;
		bytes = newline + 1;
	}
	return head;
}

static bool is_text(struct cp_str text)
{
	bool is_ascii = true;
	for (size_t i = 0; i < text.len; ++i) {
		unsigned char c = (unsigned char)text.ptr[i];
		if (c < 0x20 || c == 0x7f)
			return false;
		is_ascii = is_ascii && c < 0x80;
	}
	return is_ascii || cp_str_is_utf8(text);
}

const char *cp_http_strict_problem(const struct cp_http_request *request, const h2o_req_t *h2o, const h2o_socket_t *socket)
{
	if (request->target.len == 0 || request->target.ptr[0] != '/')
		return "The target of a request starts with a slash.";
	if (!is_text(request->path))
		return "The path is not UTF-8 text.";
	for (size_t i = 0; i < request->header_count; ++i)
		if (request->headers[i].name.len == 0)
			return "A header is continued on a second line.";
	struct head head = count_in_head(socket->input->bytes, socket->input->size);
	if (h2o->version >= 0x101 && head.hosts == 0)
		return "The Host header is missing.";
	if (head.hosts > 1)
		return "There is more than one Host header.";
	if (head.lengths + head.encodings > 1)
		return "The length of the body is given more than once.";
	return NULL;
}
