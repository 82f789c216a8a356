/* Offices in the districts (legislators-district-offices.yaml), of the members who serve; those of others are left out. */
#include "us.h"

static struct provider_str street_address(struct us *us, const struct kit_yaml_node *office)
{
	struct provider_str address = kit_yaml_text_of(office, "address"), suite = kit_yaml_text_of(office, "suite");
	struct provider_str building = kit_yaml_text_of(office, "building");
	if (suite.len == 0 && building.len == 0)
		return address;
	return kit_printf(us->call, "%.*s%s%.*s%s%.*s", KIT_STR_ARG(building), building.len == 0 ? "" : ", ",
	                  KIT_STR_ARG(address), suite.len == 0 ? "" : ", ", KIT_STR_ARG(suite));
}

/* A point is taken where it lies on earth: upstream has one with a stray digit. */
static int read_point(struct us *us, const struct us_member *member, const struct kit_yaml_node *office,
                      struct provider_office *record)
{
	double latitude, longitude;
	if (!kit_yaml_number(kit_yaml_get(office, "latitude"), &latitude) ||
	    !kit_yaml_number(kit_yaml_get(office, "longitude"), &longitude))
		return 0;
	if (!(latitude >= -90 && latitude <= 90 && longitude >= -180 && longitude <= 180))
		return us_warn(us, PROVIDER_W_INCOMPLETE, member->id, US_OFFICES, office->line,
		               kit_printf(us->call,
		                          "The office %.*s lies at %g, %g, which is nowhere on earth; kept without a point.",
		                          KIT_STR_ARG(record->id), latitude, longitude));
	record->has_point = 1;
	record->latitude = latitude;
	record->longitude = longitude;
	return 0;
}

static int read_office(struct us *us, const struct us_member *member, const struct kit_yaml_node *office)
{
	struct provider_str phone = kit_yaml_text_of(office, "phone"), id = kit_yaml_text_of(office, "id");
	struct provider_office record = {
	    .size = sizeof(record),
	    .id = id,
	    .person = member->id,
	    .kind = KIT_STR("district"),
	    .phone = us_phone(us, phone),
	    .address = street_address(us, office),
	    .city = kit_yaml_text_of(office, "city"),
	    .region = kit_yaml_text_of(office, "state"),
	    .postal_code = kit_yaml_text_of(office, "zip"),
	    .hours = kit_yaml_text_of(office, "hours"),
	    .from = us_from(US_OFFICES, office->line),
	};
	if (id.len == 0)
		return us_fail(us, PROVIDER_E_INPUT, US_OFFICES, office->line, "an office of %.*s has no id",
		               KIT_STR_ARG(member->name));
	int rc = read_point(us, member, office, &record);
	if (rc == 0)
		rc = us->sink->office(us->sink->ctx, &record);
	if (rc == 0 && phone.len != 0 && record.phone.len == 0)
		rc = us_warn(us, PROVIDER_W_INCOMPLETE, member->id, US_OFFICES, office->line,
		             kit_printf(us->call,
		                        "\"%.*s\" of the office %.*s is no telephone number that can be dialled; left out.",
		                        KIT_STR_ARG(phone), KIT_STR_ARG(id)));
	return rc;
}

static int read_person(struct us *us, const struct kit_yaml_node *person)
{
	struct provider_str bioguide = kit_yaml_text_of(kit_yaml_get(person, "id"), "bioguide");
	const struct kit_yaml_node *offices = kit_yaml_get(person, "offices");
	if (bioguide.len == 0)
		return us_fail(us, PROVIDER_E_INPUT, US_OFFICES, person->line, "a person has no bioguide id");
	struct provider_str id = kit_printf(us->call, "bioguide:%.*s", KIT_STR_ARG(bioguide));
	if (id.ptr == NULL)
		return us_out_of_memory(us);
	uint32_t index = kit_map_get(us->member_index, id);
	if (index == UINT32_MAX)
		return us_warn(us, PROVIDER_W_INCOMPLETE, id, US_OFFICES, person->line,
		               kit_printf(us->call, "%.*s has offices but does not serve; left out.", KIT_STR_ARG(bioguide)));
	int rc = 0;
	for (uint32_t i = 0; offices != NULL && offices->type == KIT_YAML_SEQUENCE && i < offices->count && rc == 0; ++i)
		rc = read_office(us, &us->members[index], offices->values[i]);
	return rc;
}

int us_read_offices(struct us *us)
{
	struct kit_yaml *yaml;
	struct kit_error error;
	struct kit_yaml_event first = {0};
	const struct kit_yaml_node *person;
	if (us->documents[US_OFFICES]->content.ptr == NULL)
		return us_warn(
		    us, PROVIDER_W_INCOMPLETE, kit_str(NULL), US_OFFICES, 0,
		    KIT_STR("The document of district offices is not there; members have their office in the capital only."));
	int rc = kit_yaml_open(us->call, us->documents[US_OFFICES]->content, NULL, &yaml, &error);
	if (rc != 0)
		return us_fail_kit(us, rc, US_OFFICES, &error);
	rc = kit_yaml_next(yaml, &first, &error);
	if (rc == 0 && first.type != KIT_YAML_SEQUENCE) {
		kit_yaml_close(yaml);
		return us_fail(us, PROVIDER_E_INPUT, US_OFFICES, first.line, "the document is no list of people");
	}
	bool explained = false;
	while (rc == 0 && (rc = kit_yaml_read(yaml, &person, &error)) == 0 && person != NULL) {
		rc = read_person(us, person);
		explained = rc != 0;
	}
	kit_yaml_close(yaml);
	return rc == 0 || explained ? rc : us_fail_kit(us, rc, US_OFFICES, &error);
}
