/* A small country for tests of datasets: two provinces, one with two districts. */
#ifndef TESTS_GEO_RECORDS_H
#define TESTS_GEO_RECORDS_H

#include "check.h"
#include "geo/builder.h"

#define FROM(number) ((struct cp_provenance){0, (number)})

static inline struct cp_dataset_builder *new_builder(void)
{
	struct cp_dataset_builder *builder = cp_dataset_builder_new(CP_STR("xt"), CP_STR("Testland"), CP_STR("3"));
	struct cp_dataset_source source = {CP_STR("all"),     CP_STR("all.txt"),    CP_STR("https://example.org/all.txt"),
	                                   CP_STR("CC0-1.0"), CP_STR("2026-11-22"), 1234,
	                                   {1, 2, 3}};
	struct cp_campaign_kind both = {CP_STR("council"), CP_STR("Council"), CP_STR("both"), CP_STR("Both"),
	                                CP_CHAMBER_UPPER | CP_CHAMBER_LOWER};
	struct cp_campaign_kind upper = {CP_STR("council"), CP_STR("Council"), CP_STR("upper"), CP_STR("Elders"),
	                                 CP_CHAMBER_UPPER};
	struct cp_campaign_order order = {CP_STR("council"), CP_STR("in-order"), CP_STR("As listed"), CP_ORDER_AS_LISTED,
	                                  CP_STR("")};
	struct cp_campaign_locator locator = {CP_STR("council"), CP_STR("postal")};
	assert_ok(cp_dataset_builder_source(builder, &source));
	assert_ok(cp_dataset_builder_kind(builder, &both));
	assert_ok(cp_dataset_builder_kind(builder, &upper));
	assert_ok(cp_dataset_builder_order(builder, &order));
	assert_ok(cp_dataset_builder_locator(builder, &locator));
	return builder;
}

static inline int add_division(struct cp_dataset_builder *builder, const char *id, const char *parent, uint32_t line)
{
	struct cp_division division = {.id = cp_str(id), .name = cp_str(id), .from = FROM(line)};
	return cp_dataset_builder_division(builder, &division, cp_str(parent));
}

static inline int add_seat(struct cp_dataset_builder *builder, const char *id, const char *division, enum cp_chamber chamber,
                           uint32_t line)
{
	struct cp_seat seat = {.id = cp_str(id),
	                       .body = CP_STR("council"),
	                       .chamber = CP_STR("chamber"),
	                       .title = CP_STR("Councillor"),
	                       .district = cp_str(id),
	                       .classification = chamber,
	                       .voting = true,
	                       .from = FROM(line)};
	return cp_dataset_builder_seat(builder, &seat, cp_str(division));
}

static inline int add_person(struct cp_dataset_builder *builder, const char *id, const char *name, uint32_t line)
{
	struct cp_person person = {.key = cp_str(id), .name = cp_str(name), .from = FROM(line)};
	return cp_dataset_builder_person(builder, &person);
}

static inline int add_holder(struct cp_dataset_builder *builder, const char *person, const char *seat, const char *phone,
                             uint32_t rank, uint32_t line)
{
	struct cp_holder holder = {.phone = cp_str(phone), .party = CP_STR("Red"), .rank = rank, .from = FROM(line)};
	return cp_dataset_builder_holder(builder, &holder, cp_str(person), cp_str(seat));
}

#define COUNTRY "ocd-division/country:xt"
#define NORTH COUNTRY "/p:north"
#define SOUTH COUNTRY "/p:south"

/* All of it; rows come in an order that is not the sorted one. */
static inline struct cp_dataset_builder *whole_country(void)
{
	struct cp_dataset_builder *builder = new_builder();
	struct cp_office office = {.id = CP_STR("o2"),
	                           .kind = CP_STR("district"),
	                           .phone = CP_STR("+12025550150"),
	                           .city = CP_STR("Port"),
	                           .has_point = true,
	                           .latitude = 1.5,
	                           .longitude = -2.5,
	                           .from = FROM(30)};
	assert_ok(add_division(builder, COUNTRY, NULL, 1));
	assert_ok(add_division(builder, SOUTH, COUNTRY, 2));
	assert_ok(add_division(builder, NORTH, COUNTRY, 3));
	assert_ok(add_division(builder, NORTH "/d:10", NORTH, 4));
	assert_ok(add_division(builder, NORTH "/d:2", NORTH, 5));
	assert_ok(add_seat(builder, "low:10", NORTH "/d:10", CP_CHAMBER_LOWER, 10));
	assert_ok(add_seat(builder, "low:2", NORTH "/d:2", CP_CHAMBER_LOWER, 11));
	assert_ok(add_seat(builder, "up:south", SOUTH, CP_CHAMBER_UPPER, 12));
	assert_ok(add_seat(builder, "up:north:2", NORTH, CP_CHAMBER_UPPER, 13));
	assert_ok(add_seat(builder, "up:north:1", NORTH, CP_CHAMBER_UPPER, 14));
	assert_ok(add_seat(builder, "chief", COUNTRY, CP_CHAMBER_EXECUTIVE, 15));
	assert_ok(add_person(builder, "t:zed", "Zed", 20));
	assert_ok(add_person(builder, "t:ann", "Ann", 21));
	assert_ok(add_person(builder, "t:bob", "Bob", 22));
	assert_ok(add_person(builder, "t:cyd", "Cyd", 23));
	assert_ok(add_holder(builder, "t:zed", "low:2", "+12025550101", 0, 20));
	assert_ok(add_holder(builder, "t:ann", "up:north:1", "+12025550102", 2, 21));
	assert_ok(add_holder(builder, "t:bob", "up:north:2", NULL, 1, 22));
	assert_ok(add_holder(builder, "t:cyd", "up:south", "+12025550104", 0, 23));
	assert_ok(add_holder(builder, "t:cyd", "chief", "+12025550104", 0, 24));
	assert_ok(cp_dataset_builder_office(builder, &office, CP_STR("t:cyd")));
	office.id = CP_STR("o1");
	office.has_point = false;
	assert_ok(cp_dataset_builder_office(builder, &office, CP_STR("t:cyd")));
	assert_ok(cp_dataset_builder_postal(builder, CP_STR("200"), CP_STR(NORTH "/d:10"), 250000, FROM(40)));
	assert_ok(cp_dataset_builder_postal(builder, CP_STR("200"), CP_STR(NORTH "/d:2"), 500000, FROM(41)));
	assert_ok(cp_dataset_builder_postal(builder, CP_STR("200"), CP_STR(SOUTH), 0, FROM(42)));
	assert_ok(cp_dataset_builder_postal(builder, CP_STR("100"), CP_STR(NORTH "/d:2"), 0, FROM(43)));
	assert_ok(cp_dataset_builder_postal(builder, CP_STR("300"), CP_STR(SOUTH), 1000000, FROM(44)));
	return builder;
}

#endif
