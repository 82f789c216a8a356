/* Compiling in a child process: limits, a deadline, and a report of how it ended. */
#include "provider/compile.h"

#include "base/clock.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RESERVES_ADDRESS_SPACE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define RESERVES_ADDRESS_SPACE 1
#endif
#endif
#ifndef RESERVES_ADDRESS_SPACE
#define RESERVES_ADDRESS_SPACE 0 /* sanitizers map terabytes: the limit would stop them at their start */
#endif

enum { DEFAULT_TIMEOUT_S = 120, MOST_WORDS = 16 * 1024, MOST_VARIABLES = 16 };

/* The child gets no secrets: of the environment only what a runtime needs to report itself, and the clock. */
static void choose_environment(char *chosen[MOST_VARIABLES])
{
	static const char *const kept[] = {"LANG=",
	                                   "TMPDIR=",
	                                   "ASAN_OPTIONS=",
	                                   "LSAN_OPTIONS=",
	                                   "UBSAN_OPTIONS=",
	                                   "TSAN_OPTIONS=",
	                                   "CALLPOWER_CLOCK_OFFSET_S=",
	                                   "CALLPOWER_LOG_LEVEL=",
	                                   "CALLPOWER_LOG_FORMAT="};
	size_t count = 0;
	for (char **variable = environ; *variable != NULL; ++variable)
		for (size_t i = 0; i < CP_COUNT(kept); ++i)
			if (cp_str_starts(cp_str(*variable), cp_str(kept[i])) && count + 1 < MOST_VARIABLES)
				chosen[count++] = *variable;
	chosen[count] = NULL;
}

static void limit(__rlimit_resource_t resource, uint64_t soft, uint64_t hard)
{
	struct rlimit value = {.rlim_cur = soft, .rlim_max = hard};
	setrlimit(resource, &value);
}

/* Between fork and exec: async-signal-safe calls only. */
static void become_child(int words, const struct cp_compile_limits *limits, char *const argv[], char *const environment[])
{
	unsigned timeout = limits->timeout_s == 0 ? DEFAULT_TIMEOUT_S : limits->timeout_s;
	uint64_t memory = limits->memory == 0 ? (uint64_t)1 << 30 : limits->memory;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (dup2(words, STDERR_FILENO) < 0)
		_exit(126);
	int null = open("/dev/null", O_RDWR);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	close_range(STDERR_FILENO + 1, ~0U, 0);
	limit(RLIMIT_CORE, 0, 0);
	limit(RLIMIT_CPU, timeout, timeout + 1);
	limit(RLIMIT_NOFILE, 64, 64);
	limit(RLIMIT_FSIZE, (uint64_t)4 << 30, (uint64_t)4 << 30);
	if (!RESERVES_ADDRESS_SPACE) /* the documents, the plugin's memory, the tables and the file, which is mapped */
		limit(RLIMIT_AS, memory * 3, memory * 3);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(argv[0], argv, environment);
	_exit(127);
}

/* Collects what the child says until it closes its end or the deadline is over; the first words are kept. */
static bool listen_to(int fd, struct cp_buf *words, uint64_t deadline_ms)
{
	char part[4096];
	for (;;) {
		uint64_t now = cp_clock_monotonic_ms();
		if (now >= deadline_ms)
			return false;
		struct pollfd ready = {.fd = fd, .events = POLLIN};
		int count = poll(&ready, 1, (int)(deadline_ms - now));
		if (count < 0 && errno != EINTR)
			return false;
		if (count <= 0)
			continue;
		ssize_t got = read(fd, part, sizeof(part));
		if (got == 0)
			return true;
		if (got > 0 && words->len < MOST_WORDS)
			cp_buf_add(words, cp_str_n(part, (size_t)got));
	}
}

/* The child's refusal, without the program's name in front; else the last line that says something, and *ret_refused is false. */
static struct cp_str last_words(const struct cp_buf *words, bool *ret_refused)
{
	static const struct cp_str prefix = {"callpower compile-provider: ", 28};
	struct cp_str rest = cp_buf_str(words), best = CP_STR("");
	*ret_refused = false;
	while (rest.ptr != NULL) {
		struct cp_str line = cp_str_trim(cp_str_split(rest, '\n', &rest));
		if (line.len != 0)
			best = line;
		if (cp_str_starts(line, prefix)) {
			best = cp_str_n(line.ptr + prefix.len, line.len - prefix.len);
			*ret_refused = true;
			break;
		}
	}
	return best.len > 1500 ? cp_str_n(best.ptr, 1500) : best;
}

static int report(const struct cp_provider *provider, int status, bool in_time, unsigned timeout_s, const struct cp_buf *words)
{
	bool refused;
	struct cp_str said = last_words(words, &refused);
	const char *colon = said.len == 0 ? "" : "; its last words: ";
	if (!in_time || (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU))
		return cp_fail(CP_E_UNAVAILABLE,
		               "the plugin for %.*s did not finish in %u s and was stopped; nothing was changed",
		               CP_STR_ARG(provider->country), timeout_s);
	if (WIFSIGNALED(status))
		return cp_fail(
		    CP_E_UNAVAILABLE, "the plugin for %.*s crashed while compiling (signal %d, %s); nothing was changed%s%.*s",
		    CP_STR_ARG(provider->country), WTERMSIG(status), strsignal(WTERMSIG(status)), colon, CP_STR_ARG(said));
	if (WEXITSTATUS(status) == 0)
		return 0;
	if (WEXITSTATUS(status) == 127)
		return cp_fail(CP_E_SYSTEM, "the program could not be started again to compile");
	if (WEXITSTATUS(status) != 1 || !refused)
		return cp_fail(CP_E_UNAVAILABLE, "compiling %.*s failed with status %d; nothing was changed%s%.*s",
		               CP_STR_ARG(provider->country), WEXITSTATUS(status), colon, CP_STR_ARG(said));
	return cp_fail(CP_E_INPUT, "%.*s", CP_STR_ARG(said));
}

static int start(const char *program, const struct cp_provider *provider, const char *folder,
                 const struct cp_compile_limits *limits, const char *path, int *ret_words, pid_t *ret_pid)
{
	char self[4096], *environment[MOST_VARIABLES];
	int pipes[2];
	if (program == NULL) {
		ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
		if (len <= 0)
			return cp_fail_errno("the running program's own file cannot be found");
		self[len] = '\0';
		program = self;
	}
	CP_CLEANUP(cp_free_ptr) char *plugin = cp_strndup(provider->path.ptr, provider->path.len);
	char *argv[] = {(char *)(uintptr_t)program,
	                (char *)(uintptr_t) "compile-provider",
	                plugin,
	                (char *)(uintptr_t)folder,
	                (char *)(uintptr_t)path,
	                NULL};
	choose_environment(environment);
	if (pipe2(pipes, O_CLOEXEC) != 0)
		return cp_fail_errno("no pipe can be made");
	pid_t pid = fork();
	if (pid == 0)
		become_child(pipes[1], limits, argv, environment);
	close(pipes[1]);
	if (pid < 0) {
		close(pipes[0]);
		return cp_fail_errno("no process can be made");
	}
	*ret_words = pipes[0];
	*ret_pid = pid;
	return 0;
}

int cp_compile_in_child(const char *program, const struct cp_provider *provider, const char *folder,
                        const struct cp_compile_limits *limits, const char *path)
{
	static const struct cp_compile_limits presets = {0};
	struct cp_buf words CP_CLEANUP(cp_buf_free) = {0};
	int fd, status;
	pid_t pid;
	if (limits == NULL)
		limits = &presets;
	unsigned timeout_s = limits->timeout_s == 0 ? DEFAULT_TIMEOUT_S : limits->timeout_s;
	int error = start(program, provider, folder, limits, path, &fd, &pid);
	if (error != 0)
		return error;
	bool in_time = listen_to(fd, &words, cp_clock_monotonic_ms() + (uint64_t)timeout_s * 1000);
	close(fd);
	if (!in_time)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return report(provider, status, in_time, timeout_s, &words);
}
