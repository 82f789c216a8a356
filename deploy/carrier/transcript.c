#include "transcript.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "text/form.h"
#include "text/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct cp_transcript {
	int fd;
};

int cp_transcript_open(const char *path, struct cp_transcript **ret_transcript)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return cp_fail_errno("cannot write the transcript %s", path);
	struct cp_transcript *transcript = cp_alloc(sizeof(*transcript));
	transcript->fd = fd;
	*ret_transcript = transcript;
	return 0;
}

struct cp_transcript *cp_transcript_close(struct cp_transcript *transcript)
{
	if (transcript != NULL)
		close(transcript->fd);
	free(transcript);
	return NULL;
}

/* Bytes that are not UTF-8 cannot stand in JSON; nobody who behaves sends them. */
static json_t *text_of(struct cp_str text)
{
	return cp_str_is_utf8(text) ? json_stringn(text.ptr == NULL ? "" : text.ptr, text.len) : json_string("[not UTF-8]");
}

static json_t *headers_of(const struct cp_transcript_message *message, struct cp_str *ret_content_type)
{
	json_t *headers = json_object();
	for (size_t i = 0; i < message->header_count; ++i) {
		const struct cp_transcript_header *header = &message->headers[i];
		if (!cp_str_is_utf8(header->name))
			continue;
		bool secret = cp_str_eq_ignore_case(header->name, CP_STR("Authorization"));
		if (cp_str_eq_ignore_case(header->name, CP_STR("Content-Type")))
			*ret_content_type = header->value;
		json_object_setn_new(headers, header->name.ptr, header->name.len,
		                     secret ? json_string("Basic [hidden]") : text_of(header->value));
	}
	return headers;
}

/* A name's text, or an array where it is repeated. */
static void add_field(json_t *object, const struct cp_form_field *field)
{
	json_t *before = json_object_getn(object, field->name.ptr, field->name.len), *value = text_of(field->value);
	if (before == NULL) {
		json_object_setn_new(object, field->name.ptr, field->name.len, value);
	} else if (json_is_array(before)) {
		json_array_append_new(before, value);
	} else {
		json_t *both = json_array();
		json_array_append(both, before);
		json_array_append_new(both, value);
		json_object_setn_new(object, field->name.ptr, field->name.len, both);
	}
}

static json_t *form_of(const struct cp_transcript_message *message, struct cp_str content_type, struct cp_arena *arena)
{
	struct cp_form form;
	if (message->is_answer)
		return json_null();
	json_t *object = json_object();
	if (!cp_str_starts(content_type, CP_STR("application/x-www-form-urlencoded")) ||
	    cp_form_parse(message->body, arena, &form) < 0)
		return object;
	for (size_t i = 0; i < form.count; ++i)
		add_field(object, &form.fields[i]);
	return object;
}

static void write_line(int fd, struct cp_str line)
{
	while (line.len > 0) {
		ssize_t n = write(fd, line.ptr, line.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			cp_log(CP_LOG_ERROR, NULL, "transcript.write", "the transcript cannot be written: %s", strerror(errno));
			return;
		}
		line.ptr += n;
		line.len -= (size_t)n;
	}
}

void cp_transcript_write(struct cp_transcript *transcript, const struct cp_transcript_message *message)
{
	if (transcript == NULL)
		return;
	struct cp_arena *arena = cp_arena_new();
	struct cp_str content_type = CP_STR_NULL;
	char time[CP_CLOCK_ISO_SIZE];
	cp_clock_iso(cp_clock_now_us(), time);
	json_t *line = json_object();
	json_object_set_new(line, "time", json_string(time));
	json_object_set_new(line, "from", json_string(message->from_carrier ? "carrier" : "server"));
	json_object_set_new(line, "method", json_string(message->method));
	json_object_set_new(line, "url", text_of(message->url));
	json_object_set_new(line, "headers", headers_of(message, &content_type));
	json_object_set_new(line, "form", form_of(message, content_type, arena));
	json_object_set_new(line, "status", message->is_answer ? json_integer(message->status) : json_null());
	json_object_set_new(line, "body", text_of(message->body));
	struct cp_str text = cp_json_text(line, arena);
	write_line(transcript->fd, cp_arena_printf(arena, "%.*s\n", CP_STR_ARG(text)));
	json_decref(line);
	cp_arena_free(arena);
}
