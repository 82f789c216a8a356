#include "check.h"

#include "base/memory.h"
#include "crypto/slab.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static struct cp_slab_name name_of(unsigned number)
{
	struct cp_slab_name name = {{0}};
	memcpy(name.bytes, &(unsigned){number * 0x9e3779b9u}, sizeof(number));
	memcpy(name.bytes + 8, &number, sizeof(number));
	return name;
}

static struct cp_secret put(struct cp_slab *slab, unsigned number, uint64_t owner)
{
	char text[32];
	struct cp_secret secret = {0};
	struct cp_slab_name name = name_of(number);
	snprintf(text, sizeof(text), "secret %u", number);
	assert_int_equal(cp_slab_put(slab, &name, owner, cp_str(text), &secret), 0);
	assert_str(secret.bytes, text);
	return secret;
}

static bool holds(struct cp_slab *slab, unsigned number)
{
	struct cp_secret secret = {0};
	struct cp_slab_name name = name_of(number);
	bool found = cp_slab_get(slab, &name, &secret);
	cp_slab_release(&secret);
	return found;
}

static bool is_wiped(const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; ++i)
		if (bytes[i] != 0)
			return false;
	return true;
}

static void test_slab__least_recently_used_goes(void **state)
{
	(void)state;
	struct cp_slab *slab;
	assert_int_equal(cp_slab_new(3, &slab), 0);
	for (unsigned number = 1; number <= 3; ++number) {
		struct cp_secret secret = put(slab, number, 1);
		cp_slab_release(&secret);
	}
	assert_true(holds(slab, 1)); /* 2 is the coldest now */
	struct cp_secret secret = put(slab, 4, 1);
	cp_slab_release(&secret);
	assert_false(holds(slab, 2));
	assert_true(holds(slab, 1) && holds(slab, 3) && holds(slab, 4));
	assert_int_equal(cp_slab_count(slab), 3);
	cp_slab_free(slab);
}

static void test_slab__loans_stay_and_limit_holds(void **state)
{
	(void)state;
	struct cp_slab *slab;
	assert_int_equal(cp_slab_new(2, &slab), 0);
	struct cp_secret one = put(slab, 1, 1), two = put(slab, 2, 1), again = put(slab, 1, 1), none = {0};
	struct cp_slab_name third = name_of(3);
	assert_ptr_equal(one.bytes.ptr, again.bytes.ptr);
	assert_int_equal(cp_slab_put(slab, &third, 1, CP_STR("x"), &none), CP_E_LIMIT);
	assert_null(none.bytes.ptr);
	cp_slab_release(&one);
	assert_int_equal(cp_slab_put(slab, &third, 1, CP_STR("x"), &none), CP_E_LIMIT); /* the second loan of 1 is out still */
	cp_slab_release(&again);
	struct cp_secret three = put(slab, 3, 1);
	assert_str(two.bytes, "secret 2");
	assert_false(holds(slab, 1));
	cp_slab_release(&two);
	cp_slab_release(&three);
	cp_slab_release(&three); /* no loan any more: nothing happens */
	cp_slab_free(slab);
}

static void test_slab__forget_wipes_one_owner(void **state)
{
	(void)state;
	struct cp_slab *slab;
	assert_int_equal(cp_slab_new(4, &slab), 0);
	struct cp_secret one = put(slab, 1, 10), two = put(slab, 2, 20), lent = put(slab, 3, 10);
	const char *one_bytes = one.bytes.ptr, *lent_bytes = lent.bytes.ptr;
	cp_slab_release(&one);
	cp_slab_release(&two);
	cp_slab_forget(slab, 10);
	assert_true(is_wiped(one_bytes, CP_SLAB_SLOT_SIZE));
	assert_false(holds(slab, 1));
	assert_false(holds(slab, 3)); /* nobody new gets it */
	assert_true(holds(slab, 2));
	assert_str(lent.bytes, "secret 3"); /* who has it may finish */
	cp_slab_release(&lent);
	assert_true(is_wiped(lent_bytes, CP_SLAB_SLOT_SIZE));
	struct cp_secret three = put(slab, 3, 10);
	cp_slab_release(&three);
	assert_true(holds(slab, 3));
	assert_int_equal(cp_slab_count(slab), 2);
	cp_slab_free(slab);
}

static void test_slab__sizes(void **state)
{
	(void)state;
	struct cp_slab *slab = NULL;
	assert_int_equal(cp_slab_new(0, &slab), CP_E_INPUT);
	assert_int_equal(cp_slab_new(CP_SLAB_MAX_SLOTS + 1, &slab), CP_E_INPUT);
	assert_int_equal(cp_slab_new(1, &slab), 0);
	char longest[CP_SLAB_SLOT_SIZE + 1];
	memset(longest, 'x', sizeof(longest));
	struct cp_slab_name name = name_of(1);
	struct cp_secret secret = {0};
	assert_int_equal(cp_slab_put(slab, &name, 1, cp_str_n(longest, sizeof(longest)), &secret), CP_E_INPUT);
	assert_int_equal(cp_slab_put(slab, &name, 1, cp_str_n(longest, CP_SLAB_SLOT_SIZE), &secret), 0);
	cp_slab_release(&secret);
	/* What takes the slot over finds nothing of the one before. */
	struct cp_secret next = put(slab, 2, 1);
	assert_true(is_wiped(next.bytes.ptr + next.bytes.len, CP_SLAB_SLOT_SIZE - next.bytes.len));
	cp_slab_release(&next);
	cp_slab_free(slab);
	assert_null(cp_slab_free(NULL));
}

/* The sanitizers turn mlock() into nothing. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MLOCK_WORKS false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MLOCK_WORKS false
#endif
#endif
#ifndef MLOCK_WORKS
#define MLOCK_WORKS true
#endif

/* The kernel's own account of the region: "dd" is do-not-dump, "lo" is locked. */
static void test_slab__is_neither_dumped_nor_swapped(void **state)
{
	(void)state;
	struct cp_slab *slab;
	assert_int_equal(cp_slab_new(64, &slab), 0);
	struct cp_secret secret = put(slab, 1, 1);
	FILE *maps = fopen("/proc/self/smaps", "r");
	assert_non_null(maps);
	char line[512], flags[512] = "";
	bool inside = false;
	while (flags[0] == '\0' && fgets(line, sizeof(line), maps) != NULL) {
		unsigned long from, to;
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			inside = from <= (unsigned long)secret.bytes.ptr && (unsigned long)secret.bytes.ptr < to;
		else if (inside && strncmp(line, "VmFlags:", 8) == 0)
			snprintf(flags, sizeof(flags), "%s", line);
	}
	fclose(maps);
	assert_non_null(strstr(flags, " dd"));
	if (MLOCK_WORKS && cp_slab_is_locked(slab))
		assert_non_null(strstr(flags, " lo"));
	cp_slab_release(&secret);
	cp_slab_free(slab);
}

struct contention {
	struct cp_slab *slab;
	unsigned seed, wrong;
};

static void *use_often(void *data)
{
	struct contention *own = data;
	for (int i = 0; i < 20000; ++i) {
		unsigned number = (unsigned)rand_r(&own->seed) % 40;
		char text[32];
		snprintf(text, sizeof(text), "secret %u", number);
		struct cp_slab_name name = name_of(number);
		struct cp_secret secret = {0};
		if (!cp_slab_get(own->slab, &name, &secret) &&
		    cp_slab_put(own->slab, &name, number % 4, cp_str(text), &secret) != 0)
			++own->wrong;
		own->wrong += !cp_str_eq(secret.bytes, cp_str(text));
		cp_slab_release(&secret);
		if (i % 100 == 0)
			cp_slab_forget(own->slab, number % 4);
	}
	return NULL;
}

static void test_slab__threads(void **state)
{
	(void)state;
	struct cp_slab *slab;
	assert_int_equal(cp_slab_new(16, &slab), 0);
	pthread_t threads[4];
	struct contention own[4];
	for (unsigned i = 0; i < 4; ++i) {
		own[i] = (struct contention){slab, i + 1, 0};
		pthread_create(&threads[i], NULL, use_often, &own[i]);
	}
	for (int i = 0; i < 4; ++i) {
		pthread_join(threads[i], NULL);
		assert_int_equal(own[i].wrong, 0);
	}
	assert_true(cp_slab_count(slab) <= 16);
	cp_slab_free(slab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_slab__least_recently_used_goes),      cmocka_unit_test(test_slab__loans_stay_and_limit_holds),
	    cmocka_unit_test(test_slab__forget_wipes_one_owner),        cmocka_unit_test(test_slab__sizes),
	    cmocka_unit_test(test_slab__is_neither_dumped_nor_swapped), cmocka_unit_test(test_slab__threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
