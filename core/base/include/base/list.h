/*
 * An intrusive doubly linked list. An anchor and its members are `struct cp_list`; an unlinked member has next == NULL.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include "base/memory.h"

#include <stdbool.h>

struct cp_list {
	struct cp_list *next, *prev;
};

static inline void cp_list_init(struct cp_list *anchor)
{
	anchor->next = anchor->prev = anchor;
}

static inline bool cp_list_is_empty(const struct cp_list *anchor)
{
	return anchor->next == anchor;
}

static inline bool cp_list_is_linked(const struct cp_list *member)
{
	return member->next != NULL;
}

/* Appends at the end of the anchor's list. */
static inline void cp_list_push(struct cp_list *anchor, struct cp_list *member)
{
	member->prev = anchor->prev;
	member->next = anchor;
	anchor->prev->next = member;
	anchor->prev = member;
}

static inline void cp_list_push_front(struct cp_list *anchor, struct cp_list *member)
{
	cp_list_push(anchor->next, member);
}

/* Does nothing where it is not linked. */
static inline void cp_list_remove(struct cp_list *member)
{
	if (member->next == NULL)
		return;
	member->prev->next = member->next;
	member->next->prev = member->prev;
	member->next = member->prev = NULL;
}

#define CP_LIST_FIRST(anchor, type, member) \
	(cp_list_is_empty(anchor) ? (type *)NULL : CP_CONTAINER_OF((anchor)->next, type, member))

#endif
