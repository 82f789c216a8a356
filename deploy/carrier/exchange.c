#include "exchange.h"

#include "base/clock.h"
#include "base/memory.h"
#include "text/phone.h"
#include "url.h"

#include <stdio.h>
#include <stdlib.h>

struct cp_exchange *cp_exchange_new(struct cp_loop *loop, const struct cp_exchange_options *options, struct cp_scenario *scenario)
{
	struct cp_exchange *exchange = cp_alloc(sizeof(*exchange));
	exchange->loop = loop;
	exchange->options = *options;
	exchange->scenario = scenario;
	exchange->first_scenario = cp_scenario_copy(scenario);
	exchange->webhooks.loop = loop;
	exchange->legs = cp_map_new();
	cp_list_init(&exchange->roots);
	cp_list_init(&exchange->listeners);
	return exchange;
}

static void drop_root(struct cp_exchange *exchange, struct cp_leg *root)
{
	if (!root->settled)
		--exchange->active;
	--exchange->root_count;
	for (struct cp_list *link = root->children.next; link != &root->children; link = link->next)
		cp_map_remove(exchange->legs, cp_str(CP_CONTAINER_OF(link, struct cp_leg, link)->sid));
	cp_map_remove(exchange->legs, cp_str(root->sid));
	cp_list_remove(&root->link);
	cp_leg_free(root);
}

static void drop_all(struct cp_exchange *exchange)
{
	while (!cp_list_is_empty(&exchange->roots))
		drop_root(exchange, CP_LIST_FIRST(&exchange->roots, struct cp_leg, link));
}

static struct cp_account *account_free(struct cp_account *account)
{
	for (size_t i = 0; i < account->number_count; ++i)
		free(account->numbers[i]);
	free(account->numbers);
	free(account->token);
	free(account->name);
	free(account);
	return NULL;
}

struct cp_exchange *cp_exchange_free(struct cp_exchange *exchange)
{
	if (exchange == NULL)
		return NULL;
	drop_all(exchange);
	while (exchange->accounts != NULL) {
		struct cp_account *next = exchange->accounts->next;
		account_free(exchange->accounts);
		exchange->accounts = next;
	}
	while (exchange->webhooks.routes != NULL) {
		struct cp_route *route = exchange->webhooks.routes;
		exchange->webhooks.routes = route->next;
		free(route->origin);
		free(route->target);
		free(route);
	}
	cp_scenario_free(exchange->scenario);
	cp_scenario_free(exchange->first_scenario);
	cp_map_free(exchange->legs, NULL);
	free(exchange);
	return NULL;
}

static bool is_account_sid(struct cp_str sid)
{
	unsigned char bytes[16];
	return sid.len == 34 && cp_str_starts(sid, CP_STR("AC")) && cp_unhex(cp_str_n(sid.ptr + 2, 32), bytes, sizeof(bytes)) == 0;
}

int cp_exchange_add_account(struct cp_exchange *exchange, struct cp_str sid, struct cp_str token, struct cp_str name,
                            const struct cp_str *numbers, size_t count)
{
	if (!is_account_sid(sid))
		return cp_fail(CP_E_INPUT, "\"%.*s\" is not an account's sid: AC and 32 hexadecimal digits", CP_STR_ARG(sid));
	if (token.len == 0 || count == 0 || count > CP_MAX_NUMBERS)
		return cp_fail(CP_E_INPUT, "account %.*s needs a token and 1 to %d numbers", CP_STR_ARG(sid), CP_MAX_NUMBERS);
	for (size_t i = 0; i < count; ++i)
		if (!cp_phone_is_e164(numbers[i]))
			return cp_fail(CP_E_INPUT, "\"%.*s\" is not a number in E.164 form", CP_STR_ARG(numbers[i]));
	if (cp_exchange_account(exchange, sid) != NULL)
		return cp_fail(CP_E_CONFLICT, "account %.*s is there already", CP_STR_ARG(sid));
	struct cp_account *account = cp_alloc(sizeof(*account));
	snprintf(account->sid, sizeof(account->sid), "%.*s", CP_STR_ARG(sid));
	account->token = cp_strndup(token.ptr, token.len);
	account->name = name.len > 0 ? cp_strndup(name.ptr, name.len) : cp_strdup("Sandbox account");
	account->numbers = cp_alloc_array(count, sizeof(*account->numbers));
	account->created_us = cp_clock_now_us();
	for (size_t i = 0; i < count; ++i)
		account->numbers[account->number_count++] = cp_strndup(numbers[i].ptr, numbers[i].len);
	account->next = exchange->accounts;
	exchange->accounts = account;
	return 0;
}

struct cp_account *cp_exchange_account(struct cp_exchange *exchange, struct cp_str sid)
{
	for (struct cp_account *account = exchange->accounts; account != NULL; account = account->next)
		if (cp_str_eq(cp_str(account->sid), sid))
			return account;
	return NULL;
}

bool cp_account_has_number(const struct cp_account *account, struct cp_str number)
{
	for (size_t i = 0; i < account->number_count; ++i)
		if (cp_str_eq(cp_str(account->numbers[i]), number))
			return true;
	return false;
}

int cp_exchange_add_route(struct cp_exchange *exchange, struct cp_str origin, struct cp_str target)
{
	struct cp_url url;
	int r = cp_url_parse(origin, &url);
	if (r < 0 || url.path.len > 0)
		return cp_fail(CP_E_INPUT, "\"%.*s\" is not an origin like https://call.example.org", CP_STR_ARG(origin));
	r = cp_url_parse(target, &url);
	if (r < 0 || url.path.len > 0 || !cp_url_is_loopback(&url))
		return cp_fail(CP_E_INPUT, "\"%.*s\" is not an origin on loopback", CP_STR_ARG(target));
	struct cp_route *route = cp_alloc(sizeof(*route));
	route->origin = cp_strndup(origin.ptr, origin.len);
	route->target = cp_strndup(target.ptr, target.len);
	route->next = exchange->webhooks.routes;
	exchange->webhooks.routes = route;
	return 0;
}

struct cp_leg *cp_exchange_leg(struct cp_exchange *exchange, struct cp_str sid)
{
	return cp_map_get(exchange->legs, sid);
}

void cp_exchange_forget(struct cp_exchange *exchange, struct cp_leg *root)
{
	if (root->settled)
		drop_root(exchange, root);
}

void cp_exchange_reset(struct cp_exchange *exchange)
{
	drop_all(exchange);
	cp_scenario_free(exchange->scenario);
	exchange->scenario = cp_scenario_copy(exchange->first_scenario);
	for (struct cp_account *account = exchange->accounts; account != NULL; account = account->next)
		account->next_start_us = 0;
	for (struct cp_list *link = exchange->listeners.next; link != &exchange->listeners; link = link->next) {
		struct cp_listener *listener = CP_CONTAINER_OF(link, struct cp_listener, link);
		if (listener->on_reset != NULL)
			listener->on_reset(listener->data);
	}
}

void cp_exchange_listen(struct cp_exchange *exchange, struct cp_listener *listener)
{
	cp_list_push(&exchange->listeners, &listener->link);
}

void cp_exchange_unlisten(struct cp_listener *listener)
{
	cp_list_remove(&listener->link);
}

void cp_exchange_register(struct cp_exchange *exchange, struct cp_leg *leg)
{
	cp_map_set(exchange->legs, cp_str(leg->sid), leg);
	if (leg->parent != NULL) {
		cp_list_push(&leg->parent->children, &leg->link);
		return;
	}
	cp_list_push_front(&exchange->roots, &leg->link);
	++exchange->root_count;
	++exchange->active;
}

/* A listener may take itself off the list while it is told. */
#define TELL(exchange, fn, ...) \
	for (struct cp_list *link = (exchange)->listeners.next, *after; link != &(exchange)->listeners; link = after) { \
		struct cp_listener *listener = CP_CONTAINER_OF(link, struct cp_listener, link); \
		after = link->next; \
		if (listener->fn != NULL) \
			listener->fn(listener->data, __VA_ARGS__); \
	}

void cp_exchange_leg_changed(struct cp_leg *leg)
{
	TELL(leg->exchange, on_leg, leg);
}

void cp_exchange_told(struct cp_leg *root, const json_t *entry)
{
	TELL(root->exchange, on_story, root, entry);
}

/* Oldest settled calls go first; one that is not settled yet stays, however old. */
static void forget_oldest(struct cp_exchange *exchange, const struct cp_leg *except)
{
	struct cp_list *link = exchange->roots.prev;
	while (link != &exchange->roots && exchange->root_count - exchange->active > exchange->options.keep) {
		struct cp_leg *root = CP_CONTAINER_OF(link, struct cp_leg, link);
		link = link->prev;
		if (root != except)
			cp_exchange_forget(exchange, root);
	}
}

void cp_exchange_check_settled(struct cp_leg *root)
{
	struct cp_exchange *exchange = root->exchange;
	if (root->settled || !cp_leg_has_ended(root) || root->pins > 0)
		return;
	root->settled = true;
	--exchange->active;
	cp_line_clock_stop(&root->line_clock);
	cp_exchange_leg_changed(root);
	TELL(exchange, on_settled, root);
	forget_oldest(exchange, root);
}
