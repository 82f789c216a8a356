#include "private.h"

int cp_db_values_measure(const struct cp_str *values, int count, size_t *ret_size)
{
	size_t size = 0;
	if (count < 0 || count > CP_DB_MAX_PARAMS)
		return cp_fail(CP_E_BUG, "%d parameters; at most %d are possible", count, CP_DB_MAX_PARAMS);
	for (int i = 0; i < count; ++i) {
		if (values[i].len != 0 && memchr(values[i].ptr, '\0', values[i].len) != NULL)
			return cp_fail(CP_E_BUG, "parameter $%d holds a NUL byte", i + 1);
		size += values[i].len + 1;
	}
	*ret_size = size;
	return 0;
}

void cp_db_values_copy(const struct cp_str *values, int count, char *out, const char **texts)
{
	for (int i = 0; i < count; ++i) {
		texts[i] = values[i].ptr == NULL ? NULL : out;
		if (values[i].len != 0)
			memcpy(out, values[i].ptr, values[i].len);
		out += values[i].len;
		*out++ = '\0';
	}
}
