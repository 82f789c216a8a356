#include "health.h"

#include "../respond.h"

/* 200 where calls can be created and continued, 503 with what is missing otherwise. Says nothing about any organization. */
void cp_health_handle(struct cp_http_request *request, void *data)
{
	const struct cp_web *web = data;
	bool database = cp_db_is_up(web->db), tenants = *web->tenants_loaded;
	bool ready = database && tenants;
	cp_respond_json(request, ready ? 200 : 503, json_pack("{s:b, s:b, s:b}", "ready", ready, "database", database, "organizations", tenants));
}
