/* Postal codes: the Census Bureau's ZIP code areas and the congressional districts they lie in (zccd.csv). */
#include "us.h"

struct columns {
	int state, code, district;
};

static int read_row(struct us *us, const struct kit_csv *csv, const struct columns *columns)
{
	uint32_t line = kit_csv_line(csv), number;
	struct provider_str state_code = kit_csv_field(csv, columns->state), code = kit_csv_field(csv, columns->code);
	struct provider_str district = kit_csv_field(csv, columns->district);
	const struct us_state *state = us_state_find(state_code);
	if (state == NULL)
		return us_fail(us, PROVIDER_E_INPUT, US_PLACES, line, "\"%.*s\" is no state", KIT_STR_ARG(state_code));
	if (code.len != 5 || !kit_str_number(code, 99999, &number))
		return us_fail(us, PROVIDER_E_INPUT, US_PLACES, line, "\"%.*s\" is no ZIP code of five digits",
		               KIT_STR_ARG(code));
	if (!kit_str_number(district, 99, &number))
		return us_fail(us, PROVIDER_E_INPUT, US_PLACES, line, "\"%.*s\" is no number of a district",
		               KIT_STR_ARG(district));
	if (number == 98) /* as the Census Bureau writes a delegate's district */
		number = 0;
	uint32_t index = us_district(us, state, number, us_from(US_PLACES, line));
	if (index == UINT32_MAX || us_grow(us, &us->places, us->place_count, &us->place_capacity, sizeof(*us->places)) != 0)
		return us_out_of_memory(us);
	us->places[us->place_count++] = (struct us_place){.code = code, .district = index, .line = line};
	return 0;
}

int us_read_places(struct us *us)
{
	struct kit_csv *csv;
	struct kit_error error;
	int rc = kit_csv_open(us->call, us->documents[US_PLACES]->content, NULL, &csv, &error);
	if (rc != 0)
		return us_fail_kit(us, rc, US_PLACES, &error);
	struct columns columns = {kit_csv_column(csv, "state_abbr"), kit_csv_column(csv, "zcta"), kit_csv_column(csv, "cd")};
	if (columns.state < 0 || columns.code < 0 || columns.district < 0)
		return us_fail(us, PROVIDER_E_INPUT, US_PLACES, 1, "the columns state_abbr, zcta and cd are not all there");
	while ((rc = kit_csv_next(csv, &error)) == 1)
		if ((rc = read_row(us, csv, &columns)) != 0)
			return rc;
	return rc == 0 ? 0 : us_fail_kit(us, rc, US_PLACES, &error);
}

int us_emit_places(struct us *us)
{
	for (uint32_t i = 0; i < us->place_count; ++i) {
		const struct us_place *place = &us->places[i];
		struct provider_postal_code record = {
		    .size = sizeof(record),
		    .code = place->code,
		    .division = us->districts[place->district].division,
		    .from = us_from(US_PLACES, place->line),
		};
		int rc = us->sink->postal_code(us->sink->ctx, &record);
		if (rc != 0)
			return rc;
	}
	return 0;
}
