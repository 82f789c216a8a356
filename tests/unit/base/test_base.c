#include "check.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/map.h"
#include "base/random.h"

#include <errno.h>
#include <stdlib.h>

static void test_error__message_is_kept_and_wrapped(void **state)
{
	(void)state;
	assert_int_equal(cp_fail(CP_E_INPUT, "no %s", "cheese"), CP_E_INPUT);
	assert_string_equal(cp_error_message(), "no cheese");
	assert_int_equal(cp_fail_in(CP_E_LIMIT, "shop"), CP_E_LIMIT);
	assert_string_equal(cp_error_message(), "shop: no cheese");
	errno = ENOENT;
	assert_int_equal(cp_fail_errno("open %s", "x"), CP_E_SYSTEM);
	assert_string_equal(cp_error_message(), "open x: No such file or directory");
	assert_int_equal(errno, ENOENT);
	assert_string_equal(cp_error_word(CP_E_DENIED), "denied");
	assert_string_equal(cp_error_word(-99), "unknown");
}

static void test_str__split_trim_compare(void **state)
{
	(void)state;
	struct cp_str rest = CP_STR("a,,b"), part = cp_str_split(rest, ',', &rest);
	assert_str(part, "a");
	assert_str(rest, ",b");
	assert_str(cp_str_split(CP_STR("abc"), ',', &rest), "abc");
	assert_null(rest.ptr);
	assert_str(cp_str_trim(CP_STR(" \t x y\r\n")), "x y");
	assert_true(cp_str_compare(CP_STR("ab"), CP_STR("abc")) < 0);
	assert_true(cp_str_compare(CP_STR("b"), CP_STR("abc")) > 0);
	assert_true(cp_str_eq_ignore_case(CP_STR("X-Twilio"), CP_STR("x-tWILIO")));
	assert_false(cp_str_eq_ignore_case(CP_STR("a["), CP_STR("a{"))); /* differ by 0x20 and are no letters */
}

static void test_str__numbers(void **state)
{
	(void)state;
	uint64_t value = 7;
	assert_int_equal(cp_str_to_u64(CP_STR(""), 10, &value), CP_E_INPUT);
	assert_int_equal(cp_str_to_u64(CP_STR("-1"), 10, &value), CP_E_INPUT);
	assert_int_equal(cp_str_to_u64(CP_STR("11"), 10, &value), CP_E_INPUT);
	assert_int_equal(cp_str_to_u64(CP_STR("99999999999999999999999"), UINT64_MAX, &value), CP_E_INPUT);
	assert_int_equal(value, 7); /* untouched on failure */
	assert_ok(cp_str_to_u64(CP_STR("18446744073709551615"), UINT64_MAX, &value));
	assert_true(value == UINT64_MAX);
}

static void test_str__utf8(void **state)
{
	(void)state;
	assert_true(cp_str_is_utf8(CP_STR("Montr\xc3\xa9""al \xf0\x9f\x93\x9e")));
	assert_false(cp_str_is_utf8(CP_STR("\xc0\xaf")));         /* overlong */
	assert_false(cp_str_is_utf8(CP_STR("\xed\xa0\x80")));     /* surrogate */
	assert_false(cp_str_is_utf8(CP_STR("\xf4\x90\x80\x80"))); /* above U+10FFFF */
	assert_false(cp_str_is_utf8(CP_STR("\xe2\x82")));         /* cut */
	assert_false(cp_str_is_utf8(cp_str_n("a\0b", 3)));
	/* wherever it stands among others: eight are looked at at once */
	for (size_t at = 0; at < 20; ++at) {
		char text[] = "abcdefghijklmnopqrst\x7f";
		assert_true(cp_str_is_utf8(cp_str(text)));
		text[at] = '\0';
		assert_false(cp_str_is_utf8(cp_str_n(text, 21)));
		text[at] = '\x80';
		assert_false(cp_str_is_utf8(cp_str_n(text, 21)));
		text[at] = '\x01';
		assert_true(cp_str_is_utf8(cp_str_n(text, 21)));
	}
}

static void test_buf__grows_and_prints(void **state)
{
	(void)state;
	struct cp_buf buf = {0};
	assert_str(cp_buf_str(&buf), "");
	for (int i = 0; i < 1000; ++i)
		cp_buf_printf(&buf, "%d,", i);
	assert_int_equal(buf.len, 10 * 2 + 90 * 3 + 900 * 4);
	assert_true(cp_str_ends(cp_buf_str(&buf), CP_STR("998,999,")));
	assert_int_equal(strlen(buf.ptr), buf.len);
	cp_buf_free(&buf);
	assert_null(buf.ptr);
}

static void test_hex__round_trip_and_refusal(void **state)
{
	(void)state;
	unsigned char bytes[3];
	char text[7];
	assert_ok(cp_unhex(CP_STR("00Ff7a"), bytes, 3));
	cp_hex(bytes, 3, text);
	assert_string_equal(text, "00ff7a");
	assert_int_equal(cp_unhex(CP_STR("00ff7"), bytes, 3), CP_E_INPUT);
	assert_int_equal(cp_unhex(CP_STR("00ff7g"), bytes, 3), CP_E_INPUT);
}

static void test_arena__memory_is_zeroed_aligned_and_reused(void **state)
{
	(void)state;
	struct cp_arena *arena = cp_arena_new();
	for (int round = 0; round < 3; ++round) {
		for (size_t size = 1; size < 20000; size = size * 2 + 1) {
			unsigned char *memory = cp_arena_alloc(arena, size);
			assert_int_equal((uintptr_t)memory % 16, 0);
			for (size_t i = 0; i < size; ++i)
				assert_int_equal(memory[i], 0);
			memset(memory, 0xff, size);
		}
		cp_arena_reset(arena);
	}
	assert_str(cp_arena_printf(arena, "%d-%s", 5, "x"), "5-x");
	assert_string_equal(cp_arena_cstr(arena, CP_STR_NULL), "");
	assert_null(cp_arena_free(arena));
	assert_null(cp_arena_free(NULL));
}

static void count_entry(void *data, struct cp_str key, void *value)
{
	(void)value;
	*(size_t *)data += key.len;
}

static void test_map__sets_replaces_removes(void **state)
{
	(void)state;
	struct cp_map *map = cp_map_new();
	static int values[5000];
	char key[16];
	for (int i = 0; i < 5000; ++i) {
		snprintf(key, sizeof(key), "k%d", i);
		assert_null(cp_map_set(map, cp_str(key), &values[i]));
	}
	assert_int_equal(cp_map_count(map), 5000);
	assert_ptr_equal(cp_map_set(map, CP_STR("k7"), &values[8]), &values[7]);
	assert_ptr_equal(cp_map_get(map, CP_STR("k7")), &values[8]);
	assert_ptr_equal(cp_map_remove(map, CP_STR("k7")), &values[8]);
	assert_null(cp_map_get(map, CP_STR("k7")));
	assert_null(cp_map_remove(map, CP_STR("k7")));
	assert_int_equal(cp_map_count(map), 4999);
	size_t lengths = 0;
	cp_map_each(map, count_entry, &lengths);
	assert_int_equal(lengths, 10 * 2 + 90 * 3 + 900 * 4 + 4000 * 5 - 2);
	cp_map_free(map, NULL);
}

struct item {
	struct cp_list link;
	int value;
};

static void test_list__keeps_order(void **state)
{
	(void)state;
	struct cp_list list;
	struct item items[3] = {{.value = 0}, {.value = 1}, {.value = 2}};
	cp_list_init(&list);
	assert_null(CP_LIST_FIRST(&list, struct item, link));
	cp_list_push(&list, &items[1].link);
	cp_list_push(&list, &items[2].link);
	cp_list_push_front(&list, &items[0].link);
	for (int i = 0; i < 3; ++i) {
		struct item *first = CP_LIST_FIRST(&list, struct item, link);
		assert_int_equal(first->value, i);
		cp_list_remove(&first->link);
		assert_false(cp_list_is_linked(&first->link));
		cp_list_remove(&first->link); /* twice does nothing */
	}
	assert_true(cp_list_is_empty(&list));
}

static void test_clock__can_be_moved_and_written(void **state)
{
	(void)state;
	char iso[CP_CLOCK_ISO_SIZE], rfc[CP_CLOCK_RFC2822_SIZE];
	cp_clock_iso(1795364400123456, iso);
	assert_string_equal(iso, "2026-11-22T16:20:00.123456Z");
	cp_clock_rfc2822(1795364400123456, rfc);
	assert_string_equal(rfc, "Sun, 22 Nov 2026 16:20:00 +0000");
	cp_clock_iso(-1, iso);
	assert_string_equal(iso, "1969-12-31T23:59:59.999999Z");
	int64_t before = cp_clock_now_us();
	cp_clock_set_offset_us(86400000000);
	assert_true(cp_clock_now_us() - before >= 86400000000);
	cp_clock_set_offset_us(0);
	assert_true(cp_clock_now_us() - before < 86400000000);
}

static void test_random__uuid_is_version_7_and_ordered(void **state)
{
	(void)state;
	char first[CP_UUID_SIZE], second[CP_UUID_SIZE];
	cp_clock_set_offset_us(0);
	cp_uuid7(first);
	cp_clock_set_offset_us(2000);
	cp_uuid7(second);
	cp_clock_set_offset_us(0);
	assert_int_equal(strlen(first), 36);
	assert_int_equal(first[14], '7');
	assert_non_null(strchr("89ab", first[19]));
	assert_true(strncmp(first, second, 13) < 0);
	for (int i = 0; i < 1000; ++i)
		assert_true(cp_random_below(7) < 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_error__message_is_kept_and_wrapped),
		cmocka_unit_test(test_str__split_trim_compare),
		cmocka_unit_test(test_str__numbers),
		cmocka_unit_test(test_str__utf8),
		cmocka_unit_test(test_buf__grows_and_prints),
		cmocka_unit_test(test_hex__round_trip_and_refusal),
		cmocka_unit_test(test_arena__memory_is_zeroed_aligned_and_reused),
		cmocka_unit_test(test_map__sets_replaces_removes),
		cmocka_unit_test(test_list__keeps_order),
		cmocka_unit_test(test_clock__can_be_moved_and_written),
		cmocka_unit_test(test_random__uuid_is_version_7_and_ordered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
