/* cmocka with the headers that it wants in front of it, and what most tests need. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

#define assert_str(actual, expected)                                                                                          \
	do {                                                                                                                      \
		struct cp_str actual_ = (actual), expected_ = cp_str(expected);                                                       \
		if (!cp_str_eq(actual_, expected_))                                                                                   \
			fail_msg("\"%.*s\" where \"%s\" is expected", CP_STR_ARG(actual_), expected);                                     \
	} while (0)

/* Fails with the message of the code that failed. */
#define assert_ok(call)                                                                                                       \
	do {                                                                                                                      \
		int status_ = (call);                                                                                                 \
		if (status_ != 0)                                                                                                     \
			fail_msg("%s: %s (%s)", #call, cp_error_word(status_), cp_error_message());                                       \
	} while (0)

#endif
