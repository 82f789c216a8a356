/* GET /health: for load balancers and people who look after the instance. */
#ifndef WEB_HEALTH_H
#define WEB_HEALTH_H

#include "web/web.h"

cp_http_handler cp_health_handle;

#endif
