#include "us.h"

/* Classes of the Senate's seats: 1 ends in January 2031, 2 in 2027, 3 in 2029 (senate.gov, "Senators by class"). */
const struct us_state us_states[] = {
	{"AK", US_STATE, 2, 3, "Alaska"},
	{"AL", US_STATE, 2, 3, "Alabama"},
	{"AR", US_STATE, 2, 3, "Arkansas"},
	{"AS", US_TERRITORY, 0, 0, "American Samoa"},
	{"AZ", US_STATE, 1, 3, "Arizona"},
	{"CA", US_STATE, 1, 3, "California"},
	{"CO", US_STATE, 2, 3, "Colorado"},
	{"CT", US_STATE, 1, 3, "Connecticut"},
	{"DC", US_DISTRICT, 0, 0, "District of Columbia"},
	{"DE", US_STATE, 1, 2, "Delaware"},
	{"FL", US_STATE, 1, 3, "Florida"},
	{"GA", US_STATE, 2, 3, "Georgia"},
	{"GU", US_TERRITORY, 0, 0, "Guam"},
	{"HI", US_STATE, 1, 3, "Hawaii"},
	{"IA", US_STATE, 2, 3, "Iowa"},
	{"ID", US_STATE, 2, 3, "Idaho"},
	{"IL", US_STATE, 2, 3, "Illinois"},
	{"IN", US_STATE, 1, 3, "Indiana"},
	{"KS", US_STATE, 2, 3, "Kansas"},
	{"KY", US_STATE, 2, 3, "Kentucky"},
	{"LA", US_STATE, 2, 3, "Louisiana"},
	{"MA", US_STATE, 1, 2, "Massachusetts"},
	{"MD", US_STATE, 1, 3, "Maryland"},
	{"ME", US_STATE, 1, 2, "Maine"},
	{"MI", US_STATE, 1, 2, "Michigan"},
	{"MN", US_STATE, 1, 2, "Minnesota"},
	{"MO", US_STATE, 1, 3, "Missouri"},
	{"MP", US_TERRITORY, 0, 0, "Northern Mariana Islands"},
	{"MS", US_STATE, 1, 2, "Mississippi"},
	{"MT", US_STATE, 1, 2, "Montana"},
	{"NC", US_STATE, 2, 3, "North Carolina"},
	{"ND", US_STATE, 1, 3, "North Dakota"},
	{"NE", US_STATE, 1, 2, "Nebraska"},
	{"NH", US_STATE, 2, 3, "New Hampshire"},
	{"NJ", US_STATE, 1, 2, "New Jersey"},
	{"NM", US_STATE, 1, 2, "New Mexico"},
	{"NV", US_STATE, 1, 3, "Nevada"},
	{"NY", US_STATE, 1, 3, "New York"},
	{"OH", US_STATE, 1, 3, "Ohio"},
	{"OK", US_STATE, 2, 3, "Oklahoma"},
	{"OR", US_STATE, 2, 3, "Oregon"},
	{"PA", US_STATE, 1, 3, "Pennsylvania"},
	{"PR", US_TERRITORY, 0, 0, "Puerto Rico"},
	{"RI", US_STATE, 1, 2, "Rhode Island"},
	{"SC", US_STATE, 2, 3, "South Carolina"},
	{"SD", US_STATE, 2, 3, "South Dakota"},
	{"TN", US_STATE, 1, 2, "Tennessee"},
	{"TX", US_STATE, 1, 2, "Texas"},
	{"UT", US_STATE, 1, 3, "Utah"},
	{"VA", US_STATE, 1, 2, "Virginia"},
	{"VI", US_TERRITORY, 0, 0, "U.S. Virgin Islands"},
	{"VT", US_STATE, 1, 3, "Vermont"},
	{"WA", US_STATE, 1, 3, "Washington"},
	{"WI", US_STATE, 1, 3, "Wisconsin"},
	{"WV", US_STATE, 1, 2, "West Virginia"},
	{"WY", US_STATE, 1, 2, "Wyoming"},
};

const size_t us_state_count = sizeof(us_states) / sizeof(us_states[0]);

const struct us_state *us_state_find(struct provider_str code)
{
	if (code.len != 2)
		return NULL;
	char upper[2];
	for (int i = 0; i < 2; ++i)
		upper[i] = code.ptr[i] >= 'a' && code.ptr[i] <= 'z' ? (char)(code.ptr[i] - 'a' + 'A') : code.ptr[i];
	for (size_t i = 0; i < us_state_count; ++i)
		if (us_states[i].code[0] == upper[0] && us_states[i].code[1] == upper[1])
			return &us_states[i];
	return NULL;
}
