/* Small things every author needs: text with a length, printed text in the call's memory, sets of names. */
#ifndef KIT_TEXT_H
#define KIT_TEXT_H

#include "kit/error.h"

#define KIT_STR(literal) ((struct provider_str){("" literal), sizeof(literal) - 1})
#define KIT_STR_ARG(s) (int)(s).len, (s).ptr == NULL ? "" : (s).ptr /* for "%.*s" */

KIT_EXPORT struct provider_str kit_str(const char *text); /* borrowed; absent for NULL */
KIT_EXPORT bool kit_str_eq(struct provider_str a, struct provider_str b);
KIT_EXPORT bool kit_str_is(struct provider_str a, const char *text);
/* Decimal digits only, at most max. */
KIT_EXPORT bool kit_str_number(struct provider_str text, uint32_t max, uint32_t *ret_value);
KIT_EXPORT struct provider_str kit_str_lower(const struct provider_call *call, struct provider_str text); /* ASCII */
/* As printf, in the call's memory; absent where that is used up. */
KIT_EXPORT struct provider_str kit_printf(const struct provider_call *call, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* A map from text to indexes, in the call's memory. Keys are borrowed. */
struct kit_map;
KIT_EXPORT struct kit_map *kit_map_new(const struct provider_call *call);            /* NULL where memory is used up */
KIT_EXPORT uint32_t kit_map_get(const struct kit_map *map, struct provider_str key); /* UINT32_MAX where absent */
/* 1: added; 0: it was there already and keeps its value; negative: PROVIDER_E_LIMIT. */
KIT_EXPORT int kit_map_add(struct kit_map *map, struct provider_str key, uint32_t value);

#endif
