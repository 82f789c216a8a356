#include "web/web.h"

#include "crypto/secret.h"

int cp_web_account_open(const struct cp_web *web, const struct cp_tenant *tenant, struct cp_arena *arena, struct cp_web_account *ret_account)
{
	struct cp_str user;
	struct cp_secret password;
	int error = cp_vault_carrier_login(web->vault, tenant, &user, &password);
	if (error != 0)
		return error;
	const char *sandbox = web->settings->carrier_url;
	*ret_account = (struct cp_web_account){
		.account = {
			.base_url = sandbox != NULL ? sandbox : cp_arena_printf(arena, "https://%.*s", CP_STR_ARG(tenant->carrier_host)).ptr,
			.account_sid = cp_arena_cstr(arena, tenant->account_sid),
			.user = cp_arena_cstr(arena, user),
			.operator_destination = sandbox != NULL,
			.timeout_ms = web->settings->carrier_timeout_ms,
		},
	};
	memcpy(ret_account->password, password.bytes.ptr, password.bytes.len);
	ret_account->account.secret = ret_account->password;
	cp_slab_release(&password);
	return 0;
}

void cp_web_account_wipe(struct cp_web_account *account)
{
	cp_wipe(account->password, sizeof(account->password));
}
