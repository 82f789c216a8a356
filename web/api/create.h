/* POST /call/create, and the question that browsers ask before it (CORS). */
#ifndef WEB_CREATE_H
#define WEB_CREATE_H

#include "web/web.h"

cp_http_handler cp_create_handle, cp_create_preflight;

#endif
