#include "format.h"

const struct section_shape cp_dataset_shapes[SECTION_COUNT] = {
    [SECTION_STRINGS] = {"strings", 1},
    [SECTION_SOURCES] = {"sources", sizeof(struct source_row)},
    [SECTION_KINDS] = {"kinds", sizeof(struct kind_row)},
    [SECTION_ORDERS] = {"orders", sizeof(struct order_row)},
    [SECTION_LOCATORS] = {"locators", sizeof(struct locator_row)},
    [SECTION_DIVISIONS] = {"divisions", sizeof(struct division_row)},
    [SECTION_SEATS] = {"seats", sizeof(struct seat_row)},
    [SECTION_HOLDERS] = {"holders", sizeof(struct holder_row)},
    [SECTION_PEOPLE] = {"people", sizeof(struct person_row)},
    [SECTION_HOLDINGS] = {"holdings", sizeof(uint32_t)},
    [SECTION_OFFICES] = {"offices", sizeof(struct office_row)},
    [SECTION_POSTAL] = {"postal", sizeof(struct postal_row)},
    [SECTION_LINKS] = {"links", sizeof(struct cp_postal_link)},
    [SECTION_WARNINGS] = {"warnings", sizeof(struct warning_row)},
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static struct cp_str digits_at(struct cp_str s, size_t at)
{
	size_t end = at;
	while (end < s.len && is_digit(s.ptr[end]))
		++end;
	while (at + 1 < end && s.ptr[at] == '0')
		++at;
	return (struct cp_str){s.ptr + at, end - at};
}

int cp_dataset_compare_ids(struct cp_str a, struct cp_str b)
{
	size_t i = 0, k = 0;
	while (i < a.len && k < b.len) {
		if (is_digit(a.ptr[i]) && is_digit(b.ptr[k])) {
			struct cp_str x = digits_at(a, i), y = digits_at(b, k);
			if (x.len != y.len)
				return x.len < y.len ? -1 : 1;
			int order = memcmp(x.ptr, y.ptr, x.len);
			if (order != 0)
				return order;
			i = (size_t)(x.ptr - a.ptr) + x.len;
			k = (size_t)(y.ptr - b.ptr) + y.len;
			continue;
		}
		if (a.ptr[i] != b.ptr[k])
			return (unsigned char)a.ptr[i] < (unsigned char)b.ptr[k] ? -1 : 1;
		++i;
		++k;
	}
	if (a.len - i != b.len - k)
		return a.len - i < b.len - k ? -1 : 1;
	return cp_str_compare(a, b); /* "01" and "1" */
}
