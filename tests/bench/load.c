/*
 * A carrier in a hurry: sends voice webhooks over keep-alive connections, one under way on each, and measures the answers. Requests are
 * made and signed before the clock starts.
 *
 * Each session is taken through its call, answer, human-try-1, dial-1-of-N-try-1 ... dial-N-of-N-try-1, so that every request changes
 * its state. A connection has two sessions at once and takes each a step further in turn, as simultaneous calls would be; more of them, and a
 * short round would end before its sessions have seen each of their steps.
 *
 *	bench_load --port P --sessions FILE --token VOICE_TOKEN --account AC... --auth-token-file FILE [--public-url URL] [--targets 3]
 *	           [--skip 0] [--count 0 (all)] [--steps 0 (the whole call)] [--connections 64] [--seconds 0 (until all is sent)] [--status]
 *	           [--cpu-of PID] [--cpu-of-family PID]
 *
 * FILE has one session id a line. --status sends the two status callbacks of a call as well. Prints one JSON object: requests, seconds,
 * failed (answers other than 200 and 204), sessions (begun), mean_bytes of an answer, p50_us, p95_us, p99_us, and with --cpu-of and
 * --cpu-of-family the processor time per request of a process, and of one with its children.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { UUID_LENGTH = 36, MAX_FIELDS = 40, MAX_TARGETS = 20, ANSWER_SIZE = 65536, SESSIONS_AT_ONCE = 2, MAX_LATENCY_US = 10000000 };

static struct {
	int port, connections, targets, steps;
	size_t skip, count;
	double seconds;
	bool status;
	const char *sessions, *token, *account, *auth_token_file, *public_url;
	int cpu_of, cpu_of_family;
	char auth_token[128];
} options = {.connections = 64, .targets = 3, .public_url = "http://127.0.0.1:8080"};

struct request {
	char *text;
	size_t len;
};

struct connection {
	int fd;
	size_t round;   /* which group of its sessions */
	int step, slot; /* slot: which session of the group */
	uint64_t sent_ns;
	size_t have;
	char answer[ANSWER_SIZE];
};

static char (*session_ids)[UUID_LENGTH + 1];
static size_t session_count;
static struct request *requests; /* session_count x made_steps */
static int steps, made_steps; /* of a call: those sent, those made ready */
static uint32_t *latencies; /* by microsecond, the last for all above */
static size_t answered, failed, begun;
static uint64_t bytes;

static void die(const char *what, const char *why)
{
	fprintf(stderr, "bench_load: %s: %s\n", what, why);
	exit(1);
}

static void *must(void *memory)
{
	if (memory == NULL)
		die("memory", "there is none");
	return memory;
}

static uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- making requests */

struct field {
	const char *name, *value;
};

/* What Twilio sends with each request about a call in the United States. */
static const struct field common[] = {
	{"ApiVersion", "2010-04-01"}, {"CallStatus", "in-progress"}, {"Called", "+14155550123"}, {"CalledCity", "SAN FRANCISCO"},
	{"CalledCountry", "US"}, {"CalledState", "CA"}, {"CalledZip", "94110"}, {"Caller", "+15005550006"}, {"CallerCity", ""},
	{"CallerCountry", "US"}, {"CallerState", ""}, {"CallerZip", ""}, {"Direction", "outbound-api"}, {"From", "+15005550006"},
	{"FromCity", ""}, {"FromCountry", "US"}, {"FromState", ""}, {"FromZip", ""}, {"To", "+14155550123"}, {"ToCity", "SAN FRANCISCO"},
	{"ToCountry", "US"}, {"ToState", "CA"}, {"ToZip", "94110"},
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct field *)a)->name, ((const struct field *)b)->name);
}

static void sign(const char *url, const struct field *fields, size_t count, char out[64])
{
	char text[4096];
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len;
	size_t n = (size_t)snprintf(text, sizeof(text), "%s", url);
	for (size_t i = 0; i < count; ++i)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", fields[i].name, fields[i].value);
	if (n >= sizeof(text))
		die("sign", "too long");
	HMAC(EVP_sha1(), options.auth_token, (int)strlen(options.auth_token), (const unsigned char *)text, n, digest, &len);
	EVP_EncodeBlock((unsigned char *)out, digest, (int)len);
}

static size_t encode(const char *text, char *out)
{
	size_t n = 0;
	for (const char *p = text; *p != '\0'; ++p) {
		bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || strchr("-._", *p) != NULL;
		n += (size_t)(plain ? sprintf(out + n, "%c", *p) : *p == ' ' ? sprintf(out + n, "+") : sprintf(out + n, "%%%02X", (unsigned char)*p));
	}
	return n;
}

static void make_request(const char *session, const char *step, const struct field *extra, size_t extra_count, struct request *request)
{
	struct field fields[MAX_FIELDS];
	char call_sid[40], path[256], url[512], signature[64], body[4096], text[8192];
	size_t count = sizeof(common) / sizeof(common[0]), n = 0;
	snprintf(call_sid, sizeof(call_sid), "CA%.8s%.4s%.4s%.4s%.12s", session, session + 9, session + 14, session + 19, session + 24);
	memcpy(fields, common, sizeof(common));
	fields[count++] = (struct field){"AccountSid", options.account};
	fields[count++] = (struct field){"CallSid", call_sid};
	for (size_t i = 0; i < extra_count; ++i) {
		if (strcmp(extra[i].name, "CallStatus") == 0)
			fields[1] = extra[i];
		else
			fields[count++] = extra[i];
	}
	qsort(fields, count, sizeof(fields[0]), by_name);
	snprintf(path, sizeof(path), "/voice/%s/%s/%s", options.token, session, step);
	snprintf(url, sizeof(url), "%s%s", options.public_url, path);
	sign(url, fields, count, signature);
	for (size_t i = 0; i < count; ++i) {
		n += (size_t)sprintf(body + n, "%s%s=", i == 0 ? "" : "&", fields[i].name);
		n += encode(fields[i].value, body + n);
	}
	request->len = (size_t)snprintf(text, sizeof(text),
	                                "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n"
	                                "X-Twilio-Signature: %s\r\nI-Twilio-Idempotency-Token: %.8s-%s\r\nAccept: */*\r\nUser-Agent: TwilioProxy/1.1\r\n"
	                                "Content-Length: %zu\r\n\r\n%s",
	                                path, options.port, signature, session, step, n, body);
	request->text = must(strdup(text));
}

static void make_session(const char *session, struct request *to)
{
	static const struct field human[] = {{"Digits", "1"}, {"FinishedOnKey", ""}, {"msg", "Gather End"}};
	static const struct field ringing[] = {{"CallStatus", "ringing"}, {"CallbackSource", "call-progress-events"}, {"SequenceNumber", "0"},
	                                       {"Timestamp", "Sun, 22 Nov 2026 18:00:00 +0000"}};
	static const struct field completed[] = {{"CallStatus", "completed"}, {"CallbackSource", "call-progress-events"}, {"SequenceNumber", "1"},
	                                         {"Timestamp", "Sun, 22 Nov 2026 18:05:00 +0000"}, {"Duration", "5"}, {"CallDuration", "300"}};
	char step[48], sid[40];
	int n = 0;
	if (options.status)
		make_request(session, "status", ringing, sizeof(ringing) / sizeof(ringing[0]), &to[n++]);
	make_request(session, "answer", NULL, 0, &to[n++]);
	make_request(session, "human-try-1", human, sizeof(human) / sizeof(human[0]), &to[n++]);
	for (int target = 1; target <= options.targets; ++target) {
		snprintf(sid, sizeof(sid), "CA%.8s%.4s%.4s%.4s%010d%02d", session, session + 9, session + 14, session + 19, target, target);
		const struct field dial[] = {{"DialBridged", "true"}, {"DialCallDuration", "42"}, {"DialCallSid", sid}, {"DialCallStatus", "completed"}};
		snprintf(step, sizeof(step), "dial-%d-of-%d-try-1", target, options.targets);
		make_request(session, step, dial, sizeof(dial) / sizeof(dial[0]), &to[n++]);
	}
	if (options.status)
		make_request(session, "status", completed, sizeof(completed) / sizeof(completed[0]), &to[n++]);
}

static void read_sessions(void)
{
	char line[256];
	size_t room = 0, number = 0;
	FILE *file = fopen(options.sessions, "re");
	if (file == NULL)
		die(options.sessions, strerror(errno));
	while (fgets(line, sizeof(line), file) != NULL && (options.count == 0 || session_count < options.count)) {
		line[strcspn(line, "\n")] = '\0';
		if (number++ < options.skip)
			continue;
		if (strlen(line) != UUID_LENGTH)
			die(options.sessions, "a line is no session id");
		if (session_count == room)
			session_ids = must(realloc(session_ids, (room = room * 2 + 1024) * sizeof(*session_ids)));
		memcpy(session_ids[session_count++], line, UUID_LENGTH + 1);
	}
	fclose(file);
	if (session_count == 0)
		die(options.sessions, "there are no sessions left in it");
}

static void read_auth_token(void)
{
	FILE *file = fopen(options.auth_token_file, "re");
	if (file == NULL || fgets(options.auth_token, sizeof(options.auth_token), file) == NULL)
		die(options.auth_token_file, "cannot be read");
	fclose(file);
	options.auth_token[strcspn(options.auth_token, "\r\n")] = '\0';
}

/* ---- sending them */

/* The session of the connection's present slot; session_count where there is none. */
static size_t present(const struct connection *connection, int index)
{
	size_t mine = connection->round * SESSIONS_AT_ONCE + (size_t)connection->slot;
	size_t session = mine * (size_t)options.connections + (size_t)index;
	return session < session_count ? session : session_count;
}

/* False where the connection has nothing left to send. */
static bool send_next(struct connection *connection, int index)
{
	size_t session = present(connection, index);
	while (session == session_count) { /* an empty slot of the last group, or the end */
		if (connection->slot == 0)
			return false;
		connection->slot = 0;
		if (++connection->step == steps) {
			connection->step = 0;
			++connection->round;
		}
		session = present(connection, index);
	}
	const struct request *request = &requests[session * (size_t)made_steps + (size_t)connection->step];
	if (connection->step == 0 && session + 1 > begun)
		begun = session + 1;
	connection->sent_ns = now_ns();
	connection->have = 0;
	if (send(connection->fd, request->text, request->len, MSG_NOSIGNAL) != (ssize_t)request->len)
		die("send", strerror(errno));
	if (++connection->slot == SESSIONS_AT_ONCE) {
		connection->slot = 0;
		if (++connection->step == steps) {
			connection->step = 0;
			++connection->round;
		}
	}
	return true;
}

/* The whole answer's length once its head is there, else 0. */
static size_t answer_length(struct connection *connection)
{
	connection->answer[connection->have] = '\0';
	char *end = strstr(connection->answer, "\r\n\r\n");
	if (end == NULL)
		return 0;
	char *length = strcasestr(connection->answer, "\r\ncontent-length:");
	bool empty = strncmp(connection->answer + 9, "204", 3) == 0;
	if (!empty && (length == NULL || length > end))
		die("answer", "has no Content-Length");
	return (size_t)(end - connection->answer) + 4 + (empty ? 0 : strtoul(length + 17, NULL, 10));
}

/* True where the answer is complete. */
static bool receive(struct connection *connection)
{
	ssize_t n = recv(connection->fd, connection->answer + connection->have, ANSWER_SIZE - 1 - connection->have, MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0)
		die("receive", n == 0 ? "the server closed the connection" : strerror(errno));
	connection->have += (size_t)n;
	size_t length = answer_length(connection);
	if (length == 0 || connection->have < length)
		return false;
	uint64_t us = (now_ns() - connection->sent_ns) / 1000;
	++latencies[us < MAX_LATENCY_US ? us : MAX_LATENCY_US];
	++answered;
	bytes += length;
	if (strncmp(connection->answer, "HTTP/1.1 200", 12) != 0 && strncmp(connection->answer, "HTTP/1.1 204", 12) != 0 && failed++ == 0)
		fprintf(stderr, "bench_load: the first answer that is no success:\n%.*s\n", (int)(length < 1500 ? length : 1500), connection->answer);
	return true;
}

static void connect_all(struct connection *connections, int epoll)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	for (int i = 0; i < options.connections; ++i) {
		int on = 1;
		struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
		connections[i].fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (connect(connections[i].fd, (struct sockaddr *)&address, sizeof(address)) != 0)
			die("connect", strerror(errno));
		setsockopt(connections[i].fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		epoll_ctl(epoll, EPOLL_CTL_ADD, connections[i].fd, &event);
	}
}

/* Returns the seconds from the first request to the last answer. */
static double run(struct connection *connections, int epoll)
{
	uint64_t start = now_ns(), end = options.seconds > 0 ? start + (uint64_t)(options.seconds * 1e9) : UINT64_MAX;
	int busy = 0;
	for (int i = 0; i < options.connections; ++i)
		busy += send_next(&connections[i], i);
	while (busy > 0) {
		struct epoll_event events[256];
		int n = epoll_wait(epoll, events, 256, 30000);
		if (n == 0)
			die("answer", "none for 30 seconds");
		for (int i = 0; i < n; ++i) {
			struct connection *connection = &connections[events[i].data.u32];
			if (receive(connection))
				busy -= now_ns() >= end || !send_next(connection, (int)events[i].data.u32);
		}
	}
	return (double)(now_ns() - start) / 1e9;
}

/* ---- what it cost */

/* A process's processor time in microseconds, and its parent; false where it is gone. */
static bool read_stat(int pid, double *ret_us, int *ret_parent)
{
	char path[64], text[2048];
	unsigned long user, system;
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return false;
	size_t n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = '\0';
	char *after = strrchr(text, ')'); /* the name may hold anything */
	if (after == NULL || sscanf(after, ") %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", ret_parent, &user, &system) != 3)
		return false;
	*ret_us = (double)(user + system) * 1e6 / (double)sysconf(_SC_CLK_TCK);
	return true;
}

static double cpu_us(int pid, bool family)
{
	double sum = 0, us;
	int parent;
	if (pid == 0)
		return 0;
	if (read_stat(pid, &us, &parent))
		sum = us;
	DIR *folder = family ? opendir("/proc") : NULL;
	for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;)
		if (atoi(entry->d_name) > 0 && read_stat(atoi(entry->d_name), &us, &parent) && parent == pid)
			sum += us;
	if (folder != NULL)
		closedir(folder);
	return sum;
}

static unsigned percentile(double part)
{
	size_t sum = 0;
	for (unsigned us = 0; us <= MAX_LATENCY_US; ++us)
		if ((sum += latencies[us]) >= part * (double)answered)
			return us;
	return MAX_LATENCY_US;
}

static void read_options(int argc, char **argv)
{
	static const struct option known[] = {
		{"port", 1, NULL, 'p'}, {"sessions", 1, NULL, 's'}, {"token", 1, NULL, 't'}, {"account", 1, NULL, 'a'},
		{"auth-token-file", 1, NULL, 'f'}, {"public-url", 1, NULL, 'u'}, {"targets", 1, NULL, 'n'}, {"skip", 1, NULL, 'k'},
		{"count", 1, NULL, 'c'}, {"steps", 1, NULL, 'T'}, {"connections", 1, NULL, 'C'}, {"seconds", 1, NULL, 'S'}, {"status", 0, NULL, 'x'},
		{"cpu-of", 1, NULL, 'o'}, {"cpu-of-family", 1, NULL, 'O'}, {0}};
	for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
		switch (option) {
		case 'p': options.port = atoi(optarg); break;
		case 's': options.sessions = optarg; break;
		case 't': options.token = optarg; break;
		case 'a': options.account = optarg; break;
		case 'f': options.auth_token_file = optarg; break;
		case 'u': options.public_url = optarg; break;
		case 'n': options.targets = atoi(optarg); break;
		case 'k': options.skip = strtoul(optarg, NULL, 10); break;
		case 'c': options.count = strtoul(optarg, NULL, 10); break;
		case 'T': options.steps = atoi(optarg); break;
		case 'C': options.connections = atoi(optarg); break;
		case 'S': options.seconds = strtod(optarg, NULL); break;
		case 'x': options.status = true; break;
		case 'o': options.cpu_of = atoi(optarg); break;
		case 'O': options.cpu_of_family = atoi(optarg); break;
		default: exit(2);
		}
	}
	if (options.port == 0 || options.sessions == NULL || options.token == NULL || options.account == NULL || options.auth_token_file == NULL ||
	    options.targets < 1 || options.targets > MAX_TARGETS || options.connections < 1) {
		fprintf(stderr, "bench_load: --port, --sessions, --token, --account and --auth-token-file are needed\n");
		exit(2);
	}
}

int main(int argc, char **argv)
{
	read_options(argc, argv);
	read_auth_token();
	read_sessions();
	made_steps = 2 + options.targets + (options.status ? 2 : 0);
	steps = options.steps > 0 && options.steps < made_steps ? options.steps : made_steps;
	latencies = must(calloc(MAX_LATENCY_US + 1, sizeof(*latencies)));
	requests = must(calloc(session_count * (size_t)made_steps, sizeof(*requests)));
	for (size_t i = 0; i < session_count; ++i)
		make_session(session_ids[i], &requests[i * (size_t)made_steps]);
	struct connection *connections = must(calloc((size_t)options.connections, sizeof(*connections)));
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	connect_all(connections, epoll);
	double server = cpu_us(options.cpu_of, false), database = cpu_us(options.cpu_of_family, true);
	double seconds = run(connections, epoll);
	server = cpu_us(options.cpu_of, false) - server;
	database = cpu_us(options.cpu_of_family, true) - database;
	double n = answered == 0 ? 1 : (double)answered;
	printf("{\"requests\":%zu,\"seconds\":%.3f,\"rate\":%.1f,\"failed\":%zu,\"sessions\":%zu,\"mean_bytes\":%.0f,\"p50_us\":%u,\"p95_us\":%u,"
	       "\"p99_us\":%u,\"cpu_us\":%.1f,\"cpu_family_us\":%.1f}\n",
	       answered, seconds, (double)answered / seconds, failed, begun, (double)bytes / n, percentile(0.5), percentile(0.95), percentile(0.99),
	       server / n, database / n);
	return 0;
}
