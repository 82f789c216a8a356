#include "switchboard.h"

#include "base/clock.h"
#include "base/memory.h"
#include "text/phone.h"
#include "url.h"

#include <stdio.h>
#include <stdlib.h>

struct cp_switchboard *cp_switchboard_new(struct cp_loop *loop, const struct cp_switchboard_options *options,
                                          struct cp_scenario *scenario)
{
	struct cp_switchboard *board = cp_alloc(sizeof(*board));
	board->loop = loop;
	board->options = *options;
	board->scenario = scenario;
	board->first_scenario = cp_scenario_copy(scenario);
	board->webhooks.loop = loop;
	board->legs = cp_map_new();
	cp_list_init(&board->roots);
	cp_list_init(&board->listeners);
	return board;
}

static void drop_root(struct cp_switchboard *board, struct cp_leg *root)
{
	if (!root->settled)
		--board->active;
	--board->root_count;
	for (struct cp_list *link = root->children.next; link != &root->children; link = link->next)
		cp_map_remove(board->legs, cp_str(CP_CONTAINER_OF(link, struct cp_leg, link)->sid));
	cp_map_remove(board->legs, cp_str(root->sid));
	cp_list_remove(&root->link);
	cp_leg_free(root);
}

static void drop_all(struct cp_switchboard *board)
{
	while (!cp_list_is_empty(&board->roots))
		drop_root(board, CP_LIST_FIRST(&board->roots, struct cp_leg, link));
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

struct cp_switchboard *cp_switchboard_free(struct cp_switchboard *board)
{
	if (board == NULL)
		return NULL;
	drop_all(board);
	while (board->accounts != NULL) {
		struct cp_account *next = board->accounts->next;
		account_free(board->accounts);
		board->accounts = next;
	}
	while (board->webhooks.routes != NULL) {
		struct cp_route *route = board->webhooks.routes;
		board->webhooks.routes = route->next;
		free(route->origin);
		free(route->target);
		free(route);
	}
	cp_scenario_free(board->scenario);
	cp_scenario_free(board->first_scenario);
	cp_map_free(board->legs, NULL);
	free(board);
	return NULL;
}

static bool is_account_sid(struct cp_str sid)
{
	unsigned char bytes[16];
	return sid.len == 34 && cp_str_starts(sid, CP_STR("AC")) &&
	       cp_unhex(cp_str_n(sid.ptr + 2, 32), bytes, sizeof(bytes)) == 0;
}

int cp_switchboard_add_account(struct cp_switchboard *board, struct cp_str sid, struct cp_str token, struct cp_str name,
                               const struct cp_str *numbers, size_t count)
{
	if (!is_account_sid(sid))
		return cp_fail(CP_E_INPUT, "\"%.*s\" is not an account's sid: AC and 32 hexadecimal digits", CP_STR_ARG(sid));
	if (token.len == 0 || count == 0 || count > CP_MAX_NUMBERS)
		return cp_fail(CP_E_INPUT, "account %.*s needs a token and 1 to %d numbers", CP_STR_ARG(sid), CP_MAX_NUMBERS);
	for (size_t i = 0; i < count; ++i)
		if (!cp_phone_is_e164(numbers[i]))
			return cp_fail(CP_E_INPUT, "\"%.*s\" is not a number in E.164 form", CP_STR_ARG(numbers[i]));
	if (cp_switchboard_account(board, sid) != NULL)
		return cp_fail(CP_E_CONFLICT, "account %.*s is there already", CP_STR_ARG(sid));
	struct cp_account *account = cp_alloc(sizeof(*account));
	snprintf(account->sid, sizeof(account->sid), "%.*s", CP_STR_ARG(sid));
	account->token = cp_strndup(token.ptr, token.len);
	account->name = name.len > 0 ? cp_strndup(name.ptr, name.len) : cp_strdup("Sandbox account");
	account->numbers = cp_alloc_array(count, sizeof(*account->numbers));
	account->created_us = cp_clock_now_us();
	for (size_t i = 0; i < count; ++i)
		account->numbers[account->number_count++] = cp_strndup(numbers[i].ptr, numbers[i].len);
	account->next = board->accounts;
	board->accounts = account;
	return 0;
}

struct cp_account *cp_switchboard_account(struct cp_switchboard *board, struct cp_str sid)
{
	for (struct cp_account *account = board->accounts; account != NULL; account = account->next)
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

int cp_switchboard_add_route(struct cp_switchboard *board, struct cp_str origin, struct cp_str target)
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
	route->next = board->webhooks.routes;
	board->webhooks.routes = route;
	return 0;
}

struct cp_leg *cp_switchboard_leg(struct cp_switchboard *board, struct cp_str sid)
{
	return cp_map_get(board->legs, sid);
}

void cp_switchboard_forget(struct cp_switchboard *board, struct cp_leg *leg)
{
	if (!cp_leg_root(leg)->settled)
		return;
	if (leg->parent == NULL) {
		drop_root(board, leg);
		return;
	}
	cp_map_remove(board->legs, cp_str(leg->sid));
	cp_list_remove(&leg->link);
	cp_leg_free(leg);
}

void cp_switchboard_reset(struct cp_switchboard *board)
{
	drop_all(board);
	cp_scenario_free(board->scenario);
	board->scenario = cp_scenario_copy(board->first_scenario);
	for (struct cp_account *account = board->accounts; account != NULL; account = account->next)
		account->next_start_us = 0;
	for (struct cp_list *link = board->listeners.next; link != &board->listeners; link = link->next) {
		struct cp_listener *listener = CP_CONTAINER_OF(link, struct cp_listener, link);
		if (listener->on_reset != NULL)
			listener->on_reset(listener->data);
	}
}

void cp_switchboard_listen(struct cp_switchboard *board, struct cp_listener *listener)
{
	cp_list_push(&board->listeners, &listener->link);
}

void cp_switchboard_unlisten(struct cp_listener *listener)
{
	cp_list_remove(&listener->link);
}

void cp_switchboard_register(struct cp_switchboard *board, struct cp_leg *leg)
{
	cp_map_set(board->legs, cp_str(leg->sid), leg);
	if (leg->parent != NULL) {
		cp_list_push(&leg->parent->children, &leg->link);
		return;
	}
	cp_list_push_front(&board->roots, &leg->link);
	++board->root_count;
	++board->active;
}

/* A listener may take itself off the list while it is told. */
#define TELL(board, fn, ...)                                                                                                     \
	for (struct cp_list *link = (board)->listeners.next, *after; link != &(board)->listeners; link = after) {                \
		struct cp_listener *listener = CP_CONTAINER_OF(link, struct cp_listener, link);                                  \
		after = link->next;                                                                                              \
		if (listener->fn != NULL)                                                                                        \
			listener->fn(listener->data, __VA_ARGS__);                                                               \
	}

void cp_switchboard_leg_changed(struct cp_leg *leg)
{
	TELL(leg->board, on_leg, leg);
}

void cp_switchboard_told(struct cp_leg *root, const json_t *entry)
{
	TELL(root->board, on_story, root, entry);
}

/* Oldest settled calls go first; one that is not settled yet stays, however old. */
static void forget_oldest(struct cp_switchboard *board, const struct cp_leg *except)
{
	struct cp_list *link = board->roots.prev;
	while (link != &board->roots && board->root_count - board->active > board->options.keep) {
		struct cp_leg *root = CP_CONTAINER_OF(link, struct cp_leg, link);
		link = link->prev;
		if (root != except)
			cp_switchboard_forget(board, root);
	}
}

void cp_switchboard_check_settled(struct cp_leg *root)
{
	struct cp_switchboard *board = root->board;
	if (root->settled || !cp_leg_has_ended(root) || root->pins > 0)
		return;
	root->settled = true;
	--board->active;
	cp_line_clock_stop(&root->line_clock);
	cp_switchboard_leg_changed(root);
	TELL(board, on_settled, root);
	forget_oldest(board, root);
}
