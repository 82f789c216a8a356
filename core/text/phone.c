#include "text/phone.h"

#include <stdio.h>

/*
 * Countries whose national forms are understood. Calling codes: ITU-T E.164 list of assigned codes; trunk and international prefixes and
 * lengths of the national significant number: each country's numbering plan as filed with the ITU (E.129).
 */
struct plan {
	char country[3];
	unsigned calling_code;
	const char *trunk;         /* prefix in front of national numbers, not part of E.164; "" where there is none */
	const char *international; /* prefix for calls abroad */
	unsigned min_digits, max_digits;
};

static const struct plan plans[] = {
	{"AR", 54, "0", "00", 10, 11},  {"AT", 43, "0", "00", 4, 13},  {"AU", 61, "0", "0011", 9, 9}, {"BE", 32, "0", "00", 8, 9},
	{"BG", 359, "0", "00", 7, 9},   {"BR", 55, "0", "00", 10, 11}, {"CA", 1, "1", "011", 10, 10}, {"CH", 41, "0", "00", 9, 9},
	{"CL", 56, "", "00", 9, 9},     {"CO", 57, "", "00", 10, 10},  {"CY", 357, "", "00", 8, 8},   {"CZ", 420, "", "00", 9, 9},
	{"DE", 49, "0", "00", 5, 13},   {"DK", 45, "", "00", 8, 8},    {"EE", 372, "", "00", 7, 8},   {"ES", 34, "", "00", 9, 9},
	{"FI", 358, "0", "00", 5, 12},  {"FR", 33, "0", "00", 9, 9},   {"GB", 44, "0", "00", 9, 10},  {"GR", 30, "", "00", 10, 10},
	{"HR", 385, "0", "00", 7, 9},   {"HU", 36, "06", "00", 8, 9},  {"IE", 353, "0", "00", 7, 9},  {"IN", 91, "0", "00", 10, 10},
	{"IS", 354, "", "00", 7, 9},    {"IT", 39, "", "00", 6, 12},   {"JP", 81, "0", "010", 9, 10}, {"KE", 254, "0", "000", 9, 9},
	{"LT", 370, "0", "00", 8, 8},   {"LU", 352, "", "00", 4, 11},  {"LV", 371, "", "00", 8, 8},   {"MT", 356, "", "00", 8, 8},
	{"MX", 52, "", "00", 10, 10},   {"NG", 234, "0", "009", 8, 10}, {"NL", 31, "0", "00", 9, 9},  {"NO", 47, "", "00", 8, 8},
	{"NZ", 64, "0", "00", 8, 10},   {"PL", 48, "", "00", 9, 9},    {"PR", 1, "1", "011", 10, 10}, {"PT", 351, "", "00", 9, 9},
	{"RO", 40, "0", "00", 9, 9},    {"SE", 46, "0", "00", 7, 10},  {"SI", 386, "0", "00", 8, 8},  {"SK", 421, "0", "00", 9, 9},
	{"US", 1, "1", "011", 10, 10},  {"ZA", 27, "0", "00", 9, 9},
	{"AS", 1, "1", "011", 10, 10},  {"GU", 1, "1", "011", 10, 10}, {"MP", 1, "1", "011", 10, 10}, {"VI", 1, "1", "011", 10, 10},
	{"XS", 1, "1", "011", 10, 10}, /* the made-up country of providers/sample: numbers reserved for fiction in the NANP */
};

static const struct plan *find_plan(struct cp_str country)
{
	if (cp_str_eq_ignore_case(country, CP_STR("UK")))
		country = CP_STR("GB");
	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); ++i)
		if (cp_str_eq_ignore_case(country, cp_str(plans[i].country)))
			return &plans[i];
	return NULL;
}

struct digits {
	char text[32];
	size_t len;
	bool plus;
};

static bool is_separator(char c)
{
	return c == ' ' || c == '-' || c == '.' || c == '(' || c == ')' || c == '/' || c == '\t';
}

static int read_digits(struct cp_str typed, struct digits *digits)
{
	*digits = (struct digits){.len = 0};
	typed = cp_str_trim(typed);
	for (size_t i = 0; i < typed.len; ++i) {
		char c = typed.ptr[i];
		if (c >= '0' && c <= '9') {
			if (digits->len == sizeof(digits->text) - 1)
				return cp_fail(CP_E_INPUT, "This phone number is too long.");
			digits->text[digits->len++] = c;
		} else if (c == '+' && digits->len == 0 && !digits->plus) {
			digits->plus = true;
		} else if ((unsigned char)c == 0xc2 && i + 1 < typed.len && (unsigned char)typed.ptr[i + 1] == 0xa0) {
			++i; /* no-break space */
		} else if (!is_separator(c)) {
			return cp_fail(CP_E_INPUT, "A phone number has digits, spaces, dashes, dots and brackets only.");
		}
	}
	if (digits->len == 0)
		return cp_fail(CP_E_INPUT, "Please enter a phone number.");
	return 0;
}

static bool drop_prefix(struct digits *digits, const char *prefix)
{
	size_t len = strlen(prefix);
	if (len == 0 || digits->len <= len || memcmp(digits->text, prefix, len) != 0)
		return false;
	memmove(digits->text, digits->text + len, digits->len - len);
	digits->len -= len;
	return true;
}

/* North American Numbering Plan (ATIS-0300055): NXX NXX XXXX with N from 2 to 9. */
static int check_nanp(const char *national, size_t len)
{
	if (len != 10)
		return cp_fail(CP_E_INPUT, "A phone number here has ten digits, with the area code.");
	if (national[0] < '2' || national[3] < '2')
		return cp_fail(CP_E_INPUT, "This is not a phone number: neither the area code nor the number behind it can start with 0 or 1.");
	return 0;
}

static int finish(const struct digits *international, char ret_e164[CP_PHONE_SIZE])
{
	if (international->len > 15)
		return cp_fail(CP_E_INPUT, "This phone number is too long.");
	if (international->len < 7)
		return cp_fail(CP_E_INPUT, "This phone number is too short.");
	if (international->text[0] == '0')
		return cp_fail(CP_E_INPUT, "No country's calling code starts with 0.");
	int error = international->text[0] == '1' ? check_nanp(international->text + 1, international->len - 1) : 0;
	if (error != 0)
		return error;
	snprintf(ret_e164, CP_PHONE_SIZE, "+%.*s", (int)international->len, international->text);
	return 0;
}

int cp_phone_parse(struct cp_str typed, struct cp_str country, char ret_e164[CP_PHONE_SIZE])
{
	struct digits digits;
	int error = read_digits(typed, &digits);
	if (error != 0)
		return error;
	const struct plan *plan = find_plan(country);
	if (digits.plus || (plan != NULL && digits.len > plan->max_digits && drop_prefix(&digits, plan->international)))
		return finish(&digits, ret_e164);
	if (plan == NULL)
		return cp_fail(CP_E_INPUT, "Please enter the phone number with + and its country's calling code.");
	/* The trunk prefix "1" is also a first digit nowhere in the NANP; elsewhere it goes only where what is left is long enough. */
	if (digits.len > plan->min_digits)
		drop_prefix(&digits, plan->trunk);
	if (digits.len < plan->min_digits || digits.len > plan->max_digits)
		return plan->calling_code == 1 ? check_nanp(digits.text, digits.len)
		                               : cp_fail(CP_E_INPUT, "This phone number is too %s.", digits.len < plan->min_digits ? "short" : "long");
	struct digits international = {.plus = true};
	international.len = (size_t)snprintf(international.text, sizeof(international.text), "%u%.*s", plan->calling_code, (int)digits.len, digits.text);
	if (international.len >= sizeof(international.text))
		return cp_fail(CP_E_INPUT, "This phone number is too long.");
	return finish(&international, ret_e164);
}

bool cp_phone_is_e164(struct cp_str text)
{
	if (text.len < 8 || text.len > 16 || text.ptr[0] != '+' || text.ptr[1] == '0')
		return false;
	for (size_t i = 1; i < text.len; ++i)
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
	return true;
}

unsigned cp_phone_calling_code(struct cp_str country)
{
	const struct plan *plan = find_plan(country);
	return plan == NULL ? 0 : plan->calling_code;
}

/*
 * Area codes of +1 outside of the United States, their territories and Canada, and 900, whose calls the caller pays extra for: what people
 * who earn from calls to such numbers enter into other people's forms. NANPA, "NPA codes"; codes do not move between countries.
 */
static bool is_costly_area(struct cp_str e164)
{
	static const char areas[] = "242 246 264 268 284 345 441 473 649 658 664 721 758 767 784 809 829 849 868 869 876 900";
	for (const char *area = areas; e164.len == 12; area += 4) {
		if (memcmp(area, e164.ptr + 2, 3) == 0)
			return true;
		if (area[3] == '\0')
			break;
	}
	return false;
}

bool cp_phone_in_country(struct cp_str e164, struct cp_str country)
{
	char prefix[8];
	unsigned code = cp_phone_calling_code(country);
	snprintf(prefix, sizeof(prefix), "+%u", code);
	return code != 0 && cp_str_starts(e164, cp_str(prefix)) && !(code == 1 && is_costly_area(e164));
}
