/* The page: files that are compiled into the program. */
#include "page.h"

#include "service.h"

static const char policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
                             "base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

void cp_page_file(struct cp_http_request *request, void *data)
{
	struct cp_str name = cp_http_param(request, "file");
	(void)data;
	if (!cp_service_is_local(request))
		return;
	if (name.len == 0)
		name = CP_STR("index.html");
	for (const struct cp_page_file *file = cp_page_files; file->name != NULL; ++file) {
		if (!cp_str_eq(name, cp_str(file->name)))
			continue;
		if (cp_http_add_header(request, "Content-Security-Policy", cp_str(policy)) == 0 &&
		    cp_http_add_header(request, "X-Content-Type-Options", CP_STR("nosniff")) == 0 &&
		    cp_http_add_header(request, "Referrer-Policy", CP_STR("no-referrer")) == 0 &&
		    cp_http_add_header(request, "Cache-Control", CP_STR("no-cache")) == 0)
			cp_http_reply(request, 200, file->type, cp_str_n((const char *)file->bytes, file->size));
		return;
	}
	cp_http_reply_error(request, 404, "not_found", "There is no such page.");
}
