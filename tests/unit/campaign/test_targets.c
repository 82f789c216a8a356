#include "check.h"

#include "base/memory.h"
#include "campaign/targets.h"
#include "provider/compile.h"

#include <stdlib.h>
#include <unistd.h>

/* The sample country, compiled by its plugin. */
static struct cp_dataset *dataset;
static struct cp_arena *arena;

static int group_setup(void **state)
{
	(void)state;
	struct cp_providers *set;
	struct cp_compile_document *documents;
	size_t count;
	char path[] = "/tmp/cp-targets-XXXXXX", plugin[4096];
	int fd = mkstemp(path);
	if (fd < 0)
		return -1;
	close(fd);
	arena = cp_arena_new();
	snprintf(plugin, sizeof(plugin), "%s/sample.so", getenv("CP_TEST_PROVIDERS"));
	assert_ok(cp_providers_load_file(plugin, &set));
	assert_ok(cp_compile_read(cp_provider_at(set, 0), getenv("CP_TEST_SAMPLE"), arena, &documents, &count));
	assert_ok(cp_compile(cp_provider_at(set, 0), documents, count, NULL, path));
	assert_ok(cp_dataset_open(path, &dataset));
	cp_providers_free(set);
	return unlink(path);
}

static int group_teardown(void **state)
{
	(void)state;
	dataset = cp_dataset_unref(dataset);
	arena = cp_arena_free(arena);
	return 0;
}

static struct cp_targets_query query_of(const char *code, const char *subtype, const char *order)
{
	return (struct cp_targets_query){
	    .type = CP_STR("parliament"), .subtype = cp_str(subtype), .order = cp_str(order), .postal_code = cp_str(code)};
}

/* "dmitri edda amber": the ends of the keys, in order. */
static const char *names_of(const struct cp_targets *targets)
{
	struct cp_buf buf = {0};
	cp_buf_add_cstr(&buf, "");
	for (size_t i = 0; i < targets->count; ++i) {
		struct cp_str rest, key = targets->targets[i].key;
		cp_str_split(key, ':', &rest);
		cp_str_split(rest, ':', &rest);
		cp_buf_printf(&buf, "%s%.*s", i == 0 ? "" : " ", CP_STR_ARG(rest));
	}
	const char *names = cp_arena_cstr(arena, cp_buf_str(&buf));
	cp_buf_free(&buf);
	return names;
}

static const char *select_names(const char *code, const char *subtype, const char *order)
{
	struct cp_targets targets;
	struct cp_targets_query query = query_of(code, subtype, order);
	assert_ok(cp_targets_select(dataset, &query, arena, &targets));
	return names_of(&targets);
}

static void a_target_has_all_that_a_call_needs(void **state)
{
	(void)state;
	struct cp_targets targets;
	struct cp_targets_query query = query_of("I401", "upper", "upper-first");
	assert_ok(cp_targets_select(dataset, &query, arena, &targets));
	assert_int_equal(targets.count, 1);
	const struct cp_target *target = &targets.targets[0];
	assert_str(target->key, "xs:sample:clara");
	assert_str(target->name, "Clara Cordwain");
	assert_str(target->title, "Senator");
	assert_str(target->district, "isle");
	assert_str(target->division, "ocd-division/country:xs/province:isle");
	assert_str(target->chamber, "senate");
	assert_int_equal(target->classification, CP_CHAMBER_UPPER);
	assert_str(target->party, "none");
	assert_str(target->caucus, "Lantern");
	assert_str(target->location, "the capital");
	assert_str(target->phone, "+12025550103");
	assert_true(target->reachable && target->voting);
	assert_false(targets.split);
	assert_int_equal(targets.division_count, 1);
	assert_int_equal(targets.warning_count, 0);
}

static void orders_are_what_they_say(void **state)
{
	(void)state;
	assert_string_equal(select_names("B200", "both", ""), "edda femi amber bruno");
	assert_string_equal(select_names("B200", "both", "in-order"), "edda femi amber bruno");
	assert_string_equal(select_names("B200", "both", "lower-first"), "edda femi amber bruno");
	assert_string_equal(select_names("B200", "both", "upper-first"), "amber bruno edda femi");
	assert_string_equal(select_names("B200", "upper", "upper-first"), "amber bruno");
	assert_string_equal(select_names("B200", "lower", "upper-first"), "edda femi");
	assert_string_equal(select_names("B200", "both", "lanterns-first"), "edda amber femi bruno");
	assert_string_equal(select_names("B200", "both", "lanterns-only"), "edda amber");
	assert_string_equal(select_names("I401", "both", "lanterns-only"), "gilda clara"); /* clara sits with them */
}

static void shuffles_follow_the_seed(void **state)
{
	(void)state;
	struct cp_targets targets;
	struct cp_targets_query query = query_of("B200", "both", "shuffle");
	bool other_order = false, mixed = false;
	int first[4] = {0};
	for (uint64_t seed = 0; seed < 400; ++seed) {
		query.seed = seed;
		assert_ok(cp_targets_select(dataset, &query, arena, &targets));
		const char *once = names_of(&targets);
		assert_ok(cp_targets_select(dataset, &query, arena, &targets));
		assert_string_equal(names_of(&targets), once);
		other_order |= strcmp(once, "edda femi amber bruno") != 0;
		mixed |= targets.targets[0].classification != targets.targets[1].classification;
		++first[once[0] == 'a' ? 0 : once[0] == 'b' ? 1 : once[0] == 'e' ? 2 : 3];
	}
	assert_true(other_order && mixed);
	for (int i = 0; i < 4; ++i) /* each about as often: 100 of 400 */
		assert_in_range(first[i], 60, 140);
	/* Inside chambers: the chamber that starts stays. */
	bool swapped = false, kept = false;
	query.order = CP_STR("upper-first");
	query.shuffle_chambers = true;
	for (uint64_t seed = 0; seed < 50; ++seed) {
		query.seed = seed;
		assert_ok(cp_targets_select(dataset, &query, arena, &targets));
		for (size_t i = 0; i < 4; ++i)
			assert_int_equal(targets.targets[i].classification, i < 2 ? CP_CHAMBER_UPPER : CP_CHAMBER_LOWER);
		swapped |= strcmp(names_of(&targets), "bruno amber femi edda") == 0;
		kept |= strcmp(names_of(&targets), "amber bruno edda femi") == 0;
	}
	assert_true(swapped && kept);
	query.order = CP_STR("lanterns-first"); /* not of the chambers: nothing is shuffled */
	assert_ok(cp_targets_select(dataset, &query, arena, &targets));
	assert_string_equal(names_of(&targets), "edda amber femi bruno");
}

static void a_split_code_is_told_for_the_chambers_asked_for(void **state)
{
	(void)state;
	struct cp_targets targets;
	struct cp_targets_query query = query_of("N102", "both", "");
	assert_ok(cp_targets_select(dataset, &query, arena, &targets));
	assert_true(targets.split);
	assert_int_equal(targets.division_count, 3);
	assert_str(targets.divisions[0], "ocd-division/country:xs/province:north");
	assert_str(targets.divisions[2], "ocd-division/country:xs/province:north/district:2");
	query.subtype = CP_STR("upper"); /* one province, one senator */
	assert_ok(cp_targets_select(dataset, &query, arena, &targets));
	assert_false(targets.split);
	query.postal_code = CP_STR("B200");
	assert_ok(cp_targets_select(dataset, &query, arena, &targets));
	assert_true(targets.split);
}

static void who_cannot_be_called_is_kept_and_told(void **state)
{
	(void)state;
	struct cp_targets targets;
	struct cp_targets_query query = query_of("N103", "lower", "");
	assert_ok(cp_targets_select(dataset, &query, arena, &targets));
	assert_int_equal(targets.count, 1);
	assert_false(targets.targets[0].reachable);
	assert_null(targets.targets[0].phone.ptr);
	assert_int_equal(targets.warning_count, 1);
	assert_int_equal(targets.warnings[0].kind, CP_DATASET_NO_PHONE);
	assert_str(targets.warnings[0].text, "Deputy Edda Elm (north-2) has no telephone number in the data.");
	query.postal_code = CP_STR("S302");
	assert_ok(cp_targets_select(dataset, &query, arena, &targets));
	assert_int_equal(targets.count, 0); /* a vacancy is no error */
	assert_int_equal(targets.warnings[0].kind, CP_DATASET_VACANCY);
	assert_str(targets.warnings[0].text, "The seat of Deputy for south-2 is vacant.");
	assert_str(targets.warnings[0].division, "ocd-division/country:xs/province:south/district:2");
}

static void a_maximum_cuts_the_end(void **state)
{
	(void)state;
	struct cp_targets targets;
	struct cp_targets_query query = query_of("B200", "both", "upper-first");
	query.max = 3;
	assert_ok(cp_targets_select(dataset, &query, arena, &targets));
	assert_string_equal(names_of(&targets), "amber bruno edda");
	query.max = 99;
	assert_ok(cp_targets_select(dataset, &query, arena, &targets));
	assert_int_equal(targets.count, 4);
}

static void what_is_not_there_is_named(void **state)
{
	(void)state;
	struct cp_targets targets = {.count = 77};
	struct cp_targets_query query = query_of("Z999", "both", "");
	assert_int_equal(cp_targets_select(dataset, &query, arena, &targets), CP_E_NOTFOUND);
	query = query_of("N101", "none", "");
	assert_int_equal(cp_targets_select(dataset, &query, arena, &targets), CP_E_INPUT);
	assert_non_null(strstr(cp_error_message(), "only: both, upper, lower"));
	query = query_of("N101", "both", "best");
	assert_int_equal(cp_targets_select(dataset, &query, arena, &targets), CP_E_INPUT);
	query = query_of("N101", "both", "");
	query.type = CP_STR("congress");
	assert_int_equal(cp_targets_select(dataset, &query, arena, &targets), CP_E_INPUT);
	assert_int_equal(targets.count, 77);
}

static void a_target_is_found_by_key(void **state)
{
	(void)state;
	struct cp_target target;
	assert_ok(cp_targets_find(dataset, CP_STR("parliament"), CP_STR("xs:sample:femi"), &target));
	assert_str(target.name, "Femi Fairweather");
	assert_str(target.district, "south-1");
	assert_ok(cp_targets_find(dataset, CP_STR_NULL, CP_STR("xs:sample:femi"), &target));
	assert_int_equal(cp_targets_find(dataset, CP_STR("congress"), CP_STR("xs:sample:femi"), &target), CP_E_NOTFOUND);
	assert_int_equal(cp_targets_find(dataset, CP_STR_NULL, CP_STR("xs:sample:nobody"), &target), CP_E_NOTFOUND);
	assert_str(target.name, "Femi Fairweather");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_target_has_all_that_a_call_needs),
	    cmocka_unit_test(orders_are_what_they_say),
	    cmocka_unit_test(shuffles_follow_the_seed),
	    cmocka_unit_test(a_split_code_is_told_for_the_chambers_asked_for),
	    cmocka_unit_test(who_cannot_be_called_is_kept_and_told),
	    cmocka_unit_test(a_maximum_cuts_the_end),
	    cmocka_unit_test(what_is_not_there_is_named),
	    cmocka_unit_test(a_target_is_found_by_key),
	};
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
