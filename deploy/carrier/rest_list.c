/* Lists, in pages as Twilio's SDK walks them: a page names the next one by the last call on it, so that new calls move nothing.
 */
#include "base/memory.h"
#include "present.h"
#include "rest.h"

enum { PRESET_PAGE_SIZE = 50, MAX_PAGE_SIZE = 1000 };

static const char *const list_names[] = {"To", "From", "Status", "ParentCallSid", "PageSize", "Page", "PageToken", NULL};

static bool matches_field(struct cp_rest *rest, const char *name, const char *value)
{
	struct cp_str wanted = cp_form_get(&rest->form, name);
	return wanted.len == 0 || cp_str_eq(wanted, cp_str(value));
}

static bool matches(struct cp_rest *rest, const struct cp_leg *leg)
{
	return leg->account == rest->account && matches_field(rest, "To", leg->to) && matches_field(rest, "From", leg->from) &&
	       matches_field(rest, "Status", cp_leg_status_word(leg->status)) &&
	       matches_field(rest, "ParentCallSid", leg->parent != NULL ? leg->parent->sid : "");
}

struct page {
	unsigned size, number;
	struct cp_str after; /* sid of the call behind which it starts; absent: from the beginning */
	size_t skip;         /* matching calls before it */
	bool started, more;
	struct cp_leg *last;
	json_t *calls;
};

static void offer(struct cp_rest *rest, struct page *page, struct cp_leg *leg)
{
	if (!page->started) {
		page->started = cp_str_eq(page->after, cp_str(leg->sid));
		return;
	}
	if (!matches(rest, leg))
		return;
	if (page->skip > 0) {
		--page->skip;
	} else if (json_array_size(page->calls) < page->size) {
		json_array_append_new(page->calls, cp_present_resource(leg));
		page->last = leg;
	} else {
		page->more = true;
	}
}

/* Newest first; the legs that a call dialled follow it. */
static void collect(struct cp_rest *rest, struct page *page)
{
	struct cp_list *roots = &rest->service->board->roots;
	for (struct cp_list *link = roots->next; link != roots && !page->more; link = link->next) {
		struct cp_leg *root = CP_CONTAINER_OF(link, struct cp_leg, link);
		offer(rest, page, root);
		for (struct cp_list *child = root->children.next; child != &root->children; child = child->next)
			offer(rest, page, CP_CONTAINER_OF(child, struct cp_leg, link));
	}
}

/* The address of a page: the filters asked for, and where it starts. */
static json_t *page_uri(struct cp_rest *rest, const char *name, const struct page *page, unsigned number, const char *token)
{
	CP_CLEANUP(cp_buf_free) struct cp_buf query = {0};
	for (size_t i = 0; i < rest->form.count; ++i) {
		const struct cp_form_field *field = &rest->form.fields[i];
		if (!cp_str_starts(field->name, CP_STR("Page")))
			cp_form_add(&query, cp_arena_cstr(cp_http_arena(rest->request), field->name), field->value);
	}
	cp_buf_printf(&query, "%sPageSize=%u&Page=%u", query.len > 0 ? "&" : "", page->size, number);
	if (token != NULL)
		cp_buf_printf(&query, "&PageToken=PA%s", token);
	return json_sprintf("/2010-04-01/Accounts/%s/%s.json?%s", rest->account->sid, name, query.ptr);
}

static json_t *envelope(struct cp_rest *rest, const char *name, const struct page *page)
{
	size_t count = json_array_size(page->calls), start = (size_t)page->size * page->number;
	return json_pack("{s:o,s:o,s:o,s:n,s:i,s:i,s:i,s:i}", "uri", page_uri(rest, name, page, page->number, NULL),
	                 "first_page_uri", page_uri(rest, name, page, 0, NULL), "next_page_uri",
	                 page->more ? page_uri(rest, name, page, page->number + 1, page->last->sid) : json_null(),
	                 "previous_page_uri", "page", (int)page->number, "page_size", (int)page->size, "start", (int)start, "end",
	                 (int)(start + (count > 0 ? count - 1 : 0)));
}

static bool read_page(struct cp_rest *rest, struct page *page)
{
	struct cp_str token = cp_form_get(&rest->form, "PageToken");
	if (!cp_rest_number(rest, "PageSize", 1, MAX_PAGE_SIZE, PRESET_PAGE_SIZE, &page->size) ||
	    !cp_rest_number(rest, "Page", 0, 1000000, 0, &page->number))
		return false;
	page->started = !cp_str_starts(token, CP_STR("PA"));
	if (page->started)
		page->skip = (size_t)page->size * page->number;
	else
		page->after = cp_str_n(token.ptr + 2, token.len - 2);
	return true;
}

void cp_rest_list_calls(struct cp_rest *rest)
{
	struct page page = {0};
	if (!cp_rest_known(rest, list_names) || !read_page(rest, &page))
		return;
	page.calls = json_array();
	collect(rest, &page);
	json_t *json = envelope(rest, "Calls", &page);
	json_object_set_new(json, "calls", page.calls);
	cp_rest_reply(rest, 200, json);
}

void cp_rest_list_numbers(struct cp_rest *rest)
{
	static const char *const names[] = {"PhoneNumber", "PageSize", "Page", "PageToken", NULL};
	struct page page = {0};
	if (!cp_rest_known(rest, names) || !read_page(rest, &page))
		return;
	page.calls = json_array();
	for (size_t i = 0; i < rest->account->number_count; ++i) {
		const char *number = rest->account->numbers[i];
		if (!matches_field(rest, "PhoneNumber", number))
			continue;
		if (page.skip > 0)
			--page.skip;
		else if (json_array_size(page.calls) < page.size)
			json_array_append_new(page.calls, cp_present_number(rest->account, number));
		else
			page.more = true;
	}
	bool more = page.more;
	page.more = false; /* the next page is counted, not named by a call */
	json_t *json = envelope(rest, "IncomingPhoneNumbers", &page);
	if (more)
		json_object_set_new(json, "next_page_uri", page_uri(rest, "IncomingPhoneNumbers", &page, page.number + 1, NULL));
	json_object_set_new(json, "incoming_phone_numbers", page.calls);
	cp_rest_reply(rest, 200, json);
}
