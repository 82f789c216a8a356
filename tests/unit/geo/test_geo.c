#include "base/memory.h"
#include "crypto/hash.h"
#include "format.h"
#include "records.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/cp-geo-XXXXXX";
static char path[64], other[64];

static int group_setup(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/one", folder);
	snprintf(other, sizeof(other), "%s/two", folder);
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	unlink(path);
	unlink(other);
	return rmdir(folder);
}

static struct cp_dataset *build(const char *where)
{
	CP_CLEANUP(cp_dataset_builder_free_ptr) struct cp_dataset_builder *builder = whole_country();
	struct cp_dataset *dataset;
	assert_ok(cp_dataset_builder_finish(builder, 1700000000000000, where));
	assert_ok(cp_dataset_open(where, &dataset));
	return dataset;
}

static void assert_refused(int error, int expected, const char *words)
{
	assert_int_equal(error, expected);
	if (strstr(cp_error_message(), words) == NULL)
		fail_msg("\"%s\" where \"%s\" is expected", cp_error_message(), words);
}

/* ---- what is written is read */

static void records_come_back_sorted_and_linked(void **state)
{
	(void)state;
	CP_CLEANUP(cp_dataset_unref_ptr) struct cp_dataset *dataset = build(path);
	const struct cp_dataset_info *info = cp_dataset_info(dataset);
	assert_str(info->country, "xt");
	assert_str(info->provider_name, "Testland");
	assert_str(info->provider_version, "3");
	assert_int_equal(info->created_us, 1700000000000000);
	assert_int_equal(info->counts.divisions, 5);
	assert_int_equal(info->counts.seats, 6);
	assert_int_equal(info->counts.vacant_seats, 1);
	assert_int_equal(info->counts.people, 4);
	assert_int_equal(info->counts.holders, 5);
	assert_int_equal(info->counts.unreachable_holders, 1);
	assert_int_equal(info->counts.offices, 2);
	assert_int_equal(info->counts.postal_codes, 3);
	static const char *const ids[] = {COUNTRY, NORTH, NORTH "/d:2", NORTH "/d:10", SOUTH}; /* 2 before 10 */
	for (uint32_t i = 0; i < CP_COUNT(ids); ++i) {
		assert_str(cp_dataset_division(dataset, i).id, ids[i]);
		assert_int_equal(cp_dataset_division_find(dataset, cp_str(ids[i])), i);
	}
	assert_int_equal(cp_dataset_division_find(dataset, CP_STR(NORTH "/d:3")), CP_DATASET_NONE);
	assert_int_equal(info->root, 0);
	assert_int_equal(cp_dataset_division(dataset, 0).parent, CP_DATASET_NONE);
	assert_int_equal(cp_dataset_division(dataset, 3).parent, 1);
	assert_int_equal(cp_dataset_division(dataset, 3).from.line, 4);
	struct cp_division north = cp_dataset_division(dataset, 1);
	assert_int_equal(north.seat_count, 2);
	struct cp_seat seat = cp_dataset_seat(dataset, north.first_seat);
	assert_str(seat.id, "up:north:1");
	assert_int_equal(seat.holder_count, 1);
	struct cp_holder holder = cp_dataset_holder(dataset, seat.first_holder);
	assert_str(cp_dataset_person(dataset, holder.person).key, "xt:t:ann");
	assert_str(holder.phone, "+12025550102");
	struct cp_division ten = cp_dataset_division(dataset, 3);
	assert_int_equal(cp_dataset_seat(dataset, ten.first_seat).holder_count, 0);
}

static void people_are_found_with_their_seats_and_offices(void **state)
{
	(void)state;
	CP_CLEANUP(cp_dataset_unref_ptr) struct cp_dataset *dataset = build(path);
	uint32_t index = cp_dataset_person_find(dataset, CP_STR("xt:t:cyd"));
	assert_int_equal(index, 2);
	assert_int_equal(cp_dataset_person_find(dataset, CP_STR("xt:t:nobody")), CP_DATASET_NONE);
	struct cp_person person = cp_dataset_person(dataset, index);
	assert_int_equal(person.office_count, 2);
	struct cp_office office = cp_dataset_office(dataset, person.first_office);
	assert_str(office.id, "o1");
	assert_false(office.has_point);
	office = cp_dataset_office(dataset, person.first_office + 1);
	assert_true(office.has_point && office.latitude == 1.5 && office.longitude == -2.5);
	assert_int_equal(office.person, index);
	const uint32_t *holders;
	assert_int_equal(cp_dataset_person_holders(dataset, index, &holders), 2);
	assert_str(cp_dataset_seat(dataset, cp_dataset_holder(dataset, holders[0]).seat).id, "chief");
	assert_str(cp_dataset_seat(dataset, cp_dataset_holder(dataset, holders[1]).seat).id, "up:south");
}

static void postal_codes_know_the_divisions_around(void **state)
{
	(void)state;
	CP_CLEANUP(cp_dataset_unref_ptr) struct cp_dataset *dataset = build(path);
	const struct cp_postal_link *links;
	size_t count;
	assert_ok(cp_dataset_postal(dataset, CP_STR("200"), &links, &count));
	assert_int_equal(count, 4); /* north, its two districts, south; the country is implied */
	static const uint32_t divisions[] = {1, 2, 3, 4}, weights[] = {750000, 500000, 250000, 0};
	for (size_t i = 0; i < count; ++i) {
		assert_int_equal(links[i].division, divisions[i]);
		assert_int_equal(links[i].weight, weights[i]);
	}
	assert_ok(cp_dataset_postal(dataset, CP_STR("100"), &links, &count));
	assert_int_equal(count, 2);
	assert_int_equal(links[0].weight, 0); /* not known */
	assert_str(cp_dataset_postal_code(dataset, 0), "100");
	assert_str(cp_dataset_postal_code(dataset, 2), "300");
	assert_refused(cp_dataset_postal(dataset, CP_STR("150"), &links, &count), CP_E_NOTFOUND, "\"150\" is not known");
	assert_refused(cp_dataset_postal(dataset, CP_STR(""), &links, &count), CP_E_NOTFOUND, "not known");
	assert_refused(cp_dataset_postal(dataset, CP_STR("1000000000000000"), &links, &count), CP_E_NOTFOUND, "too long");
}

static void vacancies_sources_and_campaigns_are_told(void **state)
{
	(void)state;
	CP_CLEANUP(cp_dataset_unref_ptr) struct cp_dataset *dataset = build(path);
	assert_int_equal(cp_dataset_warning_count(dataset), 1);
	struct cp_dataset_warning warning = cp_dataset_warning(dataset, 0);
	assert_int_equal(warning.kind, CP_DATASET_VACANCY);
	assert_str(warning.subject, "low:10");
	assert_int_equal(warning.from.line, 10);
	struct cp_dataset_source source = cp_dataset_source(dataset, 0);
	assert_str(source.file, "all.txt");
	assert_str(source.date, "2026-11-22");
	assert_int_equal(source.size, 1234);
	assert_int_equal(source.sha256[2], 3);
	struct cp_campaign_kind kind;
	struct cp_campaign_order order;
	assert_ok(cp_campaign_kind_find(dataset, CP_STR("council"), CP_STR("upper"), &kind));
	assert_int_equal(kind.chambers, CP_CHAMBER_UPPER);
	assert_refused(cp_campaign_kind_find(dataset, CP_STR("council"), CP_STR("x"), &kind), CP_E_NOTFOUND, "only: both, upper");
	assert_refused(cp_campaign_kind_find(dataset, CP_STR("x"), CP_STR("x"), &kind), CP_E_NOTFOUND, "only: council");
	assert_ok(cp_campaign_order_find(dataset, CP_STR("council"), CP_STR(""), &order));
	assert_str(order.name, "in-order");
	assert_refused(cp_campaign_order_find(dataset, CP_STR("council"), CP_STR("x"), &order), CP_E_NOTFOUND, "only: in-order");
	assert_str(cp_campaign_locator(dataset, 0).name, "postal");
}

static void the_same_records_make_the_same_bytes(void **state)
{
	(void)state;
	CP_CLEANUP(cp_dataset_unref_ptr) struct cp_dataset *one = build(path);
	CP_CLEANUP(cp_dataset_unref_ptr) struct cp_dataset *two = build(other);
	assert_memory_equal(cp_dataset_info(one)->sha256, cp_dataset_info(two)->sha256, CP_SHA256_SIZE);
	CP_CLEANUP(cp_dataset_builder_free_ptr) struct cp_dataset_builder *builder = whole_country();
	CP_CLEANUP(cp_dataset_unref_ptr) struct cp_dataset *later = NULL;
	assert_ok(cp_dataset_builder_finish(builder, 1800000000000000, other));
	assert_ok(cp_dataset_open(other, &later));
	assert_memory_not_equal(cp_dataset_info(one)->sha256, cp_dataset_info(later)->sha256, CP_SHA256_SIZE);
	assert_memory_equal(cp_dataset_info(one)->key, cp_dataset_info(later)->key, CP_SHA256_SIZE);
}

static void ids_are_ordered_with_numbers_as_numbers(void **state)
{
	(void)state;
	static const char *const ordered[] = {"",        "a", "a/cd:2", "a/cd:02", "a/cd:10", "a/cd:10a",
	                                      "a/cd:11", "b", "b1",     "b1c",     "b01d"};
	for (size_t i = 0; i < CP_COUNT(ordered); ++i)
		for (size_t k = 0; k < CP_COUNT(ordered); ++k) {
			int order = cp_dataset_compare_ids(cp_str(ordered[i]), cp_str(ordered[k]));
			bool pair = (i == 2 && k == 3) ||
			            (i == 3 && k == 2); /* equal as numbers: told apart by bytes, either way round */
			if (pair)
				assert_int_not_equal(order, 0);
			else if ((i < k && order >= 0) || (i == k && order != 0) || (i > k && order <= 0))
				fail_msg("\"%s\" and \"%s\": %d", ordered[i], ordered[k], order);
		}
}

/* ---- what is refused */

static void bad_records_are_refused_with_file_and_line(void **state)
{
	(void)state;
	CP_CLEANUP(cp_dataset_builder_free_ptr) struct cp_dataset_builder *b = whole_country();
	char longer[5000];
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_refused(add_division(b, NORTH, COUNTRY, 7), CP_E_INPUT, "all.txt:7: the division \"" NORTH "\" is there twice");
	assert_refused(add_division(b, COUNTRY "/p:x", "ocd-division/country:zz", 7), CP_E_INPUT,
	               "all.txt:7: there is no division");
	assert_refused(add_division(b, COUNTRY "/p:x", NULL, 7), CP_E_INPUT, "no division around it");
	assert_refused(add_division(b, "north", COUNTRY, 7), CP_E_INPUT, "no Open Civic Data id");
	assert_refused(add_division(b, "", COUNTRY, 7), CP_E_INPUT, "has no id");
	assert_refused(add_seat(b, "low:2", NORTH, CP_CHAMBER_LOWER, 8), CP_E_INPUT,
	               "all.txt:8: the post \"low:2\" is there twice");
	assert_refused(add_seat(b, "low:3", "nowhere", CP_CHAMBER_LOWER, 8), CP_E_INPUT, "there is no division \"nowhere\"");
	assert_refused(add_seat(b, "low:3", NORTH, (enum cp_chamber)3, 8), CP_E_INPUT, "no known classification");
	assert_refused(add_person(b, "t:ann", "Ann", 9), CP_E_INPUT, "all.txt:9: the person \"t:ann\" is there twice");
	assert_refused(add_person(b, "t:new", "", 9), CP_E_INPUT, "the person's name is missing");
	assert_refused(add_person(b, "t:new", "\xFF", 9), CP_E_INPUT, "the person's name is not UTF-8 text");
	assert_refused(add_person(b, "t:new", longer, 9), CP_E_INPUT, "the person's name has 4999 bytes, more than 4096");
	assert_refused(add_holder(b, "t:nobody", "low:2", NULL, 0, 9), CP_E_INPUT, "there is no person \"t:nobody\"");
	assert_refused(add_holder(b, "t:ann", "low:99", NULL, 0, 9), CP_E_INPUT, "there is no post \"low:99\"");
	assert_refused(add_holder(b, "t:zed", "low:2", NULL, 0, 9), CP_E_INPUT, "holds the post \"low:2\" twice");
	assert_refused(add_holder(b, "t:ann", "low:2", "202-555-0101", 0, 9), CP_E_INPUT, "no telephone number in E.164");
	assert_refused(add_holder(b, "t:ann", "low:2", "+1202555010a", 0, 9), CP_E_INPUT, "no telephone number in E.164");
	assert_refused(add_holder(b, "t:ann", "low:2", "+02025550101", 0, 9), CP_E_INPUT, "no telephone number in E.164");
	struct cp_office office = {
	    .id = CP_STR("o9"), .kind = CP_STR("district"), .has_point = true, .latitude = 91, .from = FROM(9)};
	assert_refused(cp_dataset_builder_office(b, &office, CP_STR("t:ann")), CP_E_INPUT, "nowhere on earth");
	office.latitude = __builtin_nan("");
	assert_refused(cp_dataset_builder_office(b, &office, CP_STR("t:ann")), CP_E_INPUT, "nowhere on earth");
	assert_refused(cp_dataset_builder_postal(b, CP_STR("1234567890123456"), CP_STR(NORTH), 0, FROM(9)), CP_E_INPUT,
	               "1 to 15 bytes");
	assert_refused(cp_dataset_builder_postal(b, CP_STR(""), CP_STR(NORTH), 0, FROM(9)), CP_E_INPUT, "1 to 15 bytes");
	assert_refused(cp_dataset_builder_postal(b, CP_STR("9"), CP_STR(NORTH), 1000001, FROM(9)), CP_E_INPUT, "at most 1000000");
	assert_refused(cp_dataset_builder_postal(b, CP_STR("9"), CP_STR(NORTH), 0, (struct cp_provenance){7, 9}), CP_E_INPUT,
	               "not given");
	assert_ok(cp_dataset_builder_postal(b, CP_STR("300"), CP_STR(SOUTH), 0, FROM(77)));
	assert_refused(cp_dataset_builder_finish(b, 0, path), CP_E_INPUT, "all.txt:77: the postal code \"300\" is listed twice");
}

static void nothing_at_all_is_refused(void **state)
{
	(void)state;
	CP_CLEANUP(cp_dataset_builder_free_ptr) struct cp_dataset_builder *builder = new_builder();
	assert_refused(cp_dataset_builder_finish(builder, 0, path), CP_E_INPUT, "no division");
	CP_CLEANUP(cp_dataset_builder_free_ptr) struct cp_dataset_builder *small = new_builder();
	CP_CLEANUP(cp_dataset_unref_ptr) struct cp_dataset *dataset = NULL;
	assert_ok(add_division(small, COUNTRY, NULL, 1));
	assert_ok(cp_dataset_builder_finish(small, 0, path));
	assert_ok(cp_dataset_open(path, &dataset)); /* tables without rows are tables all the same */
	assert_int_equal(cp_dataset_info(dataset)->counts.postal_codes, 0);
}

static void a_place_that_cannot_be_written_leaves_nothing(void **state)
{
	(void)state;
	CP_CLEANUP(cp_dataset_builder_free_ptr) struct cp_dataset_builder *builder = whole_country();
	assert_int_not_equal(cp_dataset_builder_finish(builder, 0, "/nowhere/at/all"), 0);
	assert_non_null(strstr(cp_error_message(), "/nowhere/at/all"));
}

static char *slurp(size_t *ret_size)
{
	struct stat info;
	int fd = open(path, O_RDONLY);
	assert_int_equal(fstat(fd, &info), 0);
	char *bytes = cp_alloc((size_t)info.st_size);
	assert_int_equal(read(fd, bytes, (size_t)info.st_size), info.st_size);
	close(fd);
	*ret_size = (size_t)info.st_size;
	return bytes;
}

static int open_bytes(const char *bytes, size_t size)
{
	struct cp_dataset *dataset = NULL;
	int fd = open(other, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_int_equal(write(fd, bytes, size), (ssize_t)size);
	close(fd);
	int error = cp_dataset_open(other, &dataset);
	cp_dataset_unref(dataset);
	return error;
}

static void damaged_files_are_refused(void **state)
{
	(void)state;
	size_t size;
	struct cp_dataset *dataset = build(path);
	cp_dataset_unref(dataset);
	CP_CLEANUP(cp_free_ptr) char *bytes = slurp(&size);
	assert_int_equal(open_bytes(bytes, size), 0);
	static const double parts[] = {0, 0.1, 0.5, 0.9, 0.999};
	for (size_t i = 0; i < CP_COUNT(parts); ++i)
		assert_int_equal(open_bytes(bytes, (size_t)((double)size * parts[i])), CP_E_INPUT);
	assert_int_equal(open_bytes(bytes, size - 1), CP_E_INPUT);
	for (size_t at = 0; at < size; at += 997) { /* a flipped bit anywhere */
		bytes[at] ^= 0x10;
		assert_int_equal(open_bytes(bytes, size), CP_E_INPUT);
		bytes[at] ^= 0x10;
	}
	struct cp_dataset *none = NULL;
	assert_refused(cp_dataset_open("/nowhere/at/all", &none), CP_E_NOTFOUND, "no such dataset");
	assert_refused(cp_dataset_open(folder, &none), CP_E_INPUT, "not a regular file");
}

static void another_format_is_refused_by_name(void **state)
{
	(void)state;
	size_t size;
	struct cp_dataset *dataset = build(path);
	cp_dataset_unref(dataset);
	CP_CLEANUP(cp_free_ptr) char *bytes = slurp(&size);
	struct trailer *trailer = (struct trailer *)(void *)(bytes + size - sizeof(struct trailer));
	trailer->format = 99;
	assert_refused(open_bytes(bytes, size), CP_E_INPUT, "format 99, this program reads format 1");
}

/* The rows in memory that can be written, to see that each reference is looked at. */
static int check_with(struct cp_dataset *dataset, enum section section, size_t offset, uint32_t value)
{
	size_t sizes[SECTION_COUNT];
	struct cp_dataset copy = *dataset;
	struct meta_row meta = *dataset->meta;
	copy.meta = &meta;
	for (int i = 0; i < SECTION_COUNT; ++i)
		sizes[i] = (size_t)meta.counts[i] * cp_dataset_shapes[i].width;
	CP_CLEANUP(cp_free_ptr) char *rows = cp_alloc(sizes[section]);
	memcpy(rows, dataset->tables[section], sizes[section]);
	memcpy(rows + offset, &value, sizeof(value));
	copy.tables[section] = rows;
	return cp_dataset_check(&copy, sizes);
}

static void rows_that_point_outside_are_refused(void **state)
{
	(void)state;
	CP_CLEANUP(cp_dataset_unref_ptr) struct cp_dataset *dataset = build(path);
#define BAD(section, type, member)                                                                                               \
	assert_int_equal(check_with(dataset, section, offsetof(struct type, member), 0x40000000), CP_E_INPUT)
	BAD(SECTION_DIVISIONS, division_row, id.offset);
	BAD(SECTION_DIVISIONS, division_row, name.length);
	BAD(SECTION_DIVISIONS, division_row, parent);
	BAD(SECTION_DIVISIONS, division_row, first_seat);
	BAD(SECTION_DIVISIONS, division_row, seat_count);
	BAD(SECTION_DIVISIONS, division_row, from.source);
	BAD(SECTION_SEATS, seat_row, district.length);
	BAD(SECTION_SEATS, seat_row, classification);
	BAD(SECTION_SEATS, seat_row, division);
	BAD(SECTION_SEATS, seat_row, first_holder);
	BAD(SECTION_SEATS, seat_row, holder_count);
	BAD(SECTION_HOLDERS, holder_row, seat);
	BAD(SECTION_HOLDERS, holder_row, person);
	BAD(SECTION_HOLDERS, holder_row, end.offset);
	BAD(SECTION_PEOPLE, person_row, key.offset);
	BAD(SECTION_PEOPLE, person_row, first_office);
	BAD(SECTION_PEOPLE, person_row, holding_count);
	BAD(SECTION_OFFICES, office_row, hours.length);
	BAD(SECTION_OFFICES, office_row, person);
	BAD(SECTION_POSTAL, postal_row, first_link);
	BAD(SECTION_POSTAL, postal_row, link_count);
	BAD(SECTION_POSTAL, postal_row, code[12]); /* out of order, or not ended */
	BAD(SECTION_LINKS, cp_postal_link, division);
	BAD(SECTION_WARNINGS, warning_row, text.length);
	BAD(SECTION_SOURCES, source_row, date.offset);
	BAD(SECTION_KINDS, kind_row, subtype_label.offset);
	BAD(SECTION_ORDERS, order_row, rule);
	BAD(SECTION_LOCATORS, locator_row, name.offset);
	assert_int_equal(check_with(dataset, SECTION_HOLDINGS, 0, 5), CP_E_INPUT);
	assert_int_equal(check_with(dataset, SECTION_LINKS, 0, 0), 0);
#undef BAD
}

/* ---- threads */

static void *reader(void *data)
{
	struct cp_dataset *dataset = data;
	for (int i = 0; i < 2000; ++i) {
		const struct cp_postal_link *links;
		size_t count;
		struct cp_dataset *mine = cp_dataset_ref(dataset);
		if (cp_dataset_postal(mine, CP_STR("200"), &links, &count) != 0 || count != 4)
			return dataset; /* not NULL: wrong */
		cp_dataset_unref(mine);
	}
	cp_dataset_unref(dataset);
	return NULL;
}

static void threads_share_a_handle(void **state)
{
	(void)state;
	enum { THREADS = 4 };
	pthread_t threads[THREADS];
	struct cp_dataset *dataset = build(path);
	for (int i = 0; i < THREADS; ++i)
		assert_int_equal(pthread_create(&threads[i], NULL, reader, cp_dataset_ref(dataset)), 0);
	cp_dataset_unref(dataset); /* the last reader unmaps the file */
	for (int i = 0; i < THREADS; ++i) {
		void *problem;
		assert_int_equal(pthread_join(threads[i], &problem), 0);
		assert_null(problem);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(records_come_back_sorted_and_linked),
	    cmocka_unit_test(people_are_found_with_their_seats_and_offices),
	    cmocka_unit_test(postal_codes_know_the_divisions_around),
	    cmocka_unit_test(vacancies_sources_and_campaigns_are_told),
	    cmocka_unit_test(the_same_records_make_the_same_bytes),
	    cmocka_unit_test(ids_are_ordered_with_numbers_as_numbers),
	    cmocka_unit_test(bad_records_are_refused_with_file_and_line),
	    cmocka_unit_test(nothing_at_all_is_refused),
	    cmocka_unit_test(a_place_that_cannot_be_written_leaves_nothing),
	    cmocka_unit_test(damaged_files_are_refused),
	    cmocka_unit_test(another_format_is_refused_by_name),
	    cmocka_unit_test(rows_that_point_outside_are_refused),
	    cmocka_unit_test(threads_share_a_handle),
	};
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
