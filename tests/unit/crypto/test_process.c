#include "check.h"

#include "crypto/process.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_process__dumps_are_forbidden(void **state)
{
	(void)state;
	assert_false(cp_process_dumps_forbidden());
	/* In a child: the sanitizers' leak check wants to read this process at its end. */
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct rlimit limit;
		bool forbidden = cp_process_forbid_dumps() == 0 && cp_process_dumps_forbidden() &&
		                 prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 && getrlimit(RLIMIT_CORE, &limit) == 0 &&
		                 limit.rlim_max == 0;
		_exit(forbidden ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_process__dumps_are_forbidden)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
