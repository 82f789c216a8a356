/*
 * Counts round trips: stands between a program and PostgreSQL's socket, passes everything on unchanged, and counts the messages that ask
 * the server for an answer and wait for it: Sync ('S', what ends a pipelined segment) and Query ('Q', the simple protocol).
 *
 *	bench_round_trips SOCKET_FOLDER LISTEN_FOLDER
 *
 * Programs connect with host=LISTEN_FOLDER. On each line of standard input, the count so far is printed. Ends with standard input.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static atomic_ulong syncs, queries;
static const char *server_folder;

/* Where a stream of messages stands: type (not in the first message, which has none) and length, then the rest. */
struct reader {
	bool started;
	unsigned char head[5];
	size_t head_have, rest;
};

static void count(unsigned char type)
{
	if (type == 'S')
		++syncs;
	else if (type == 'Q')
		++queries;
}

static void follow(struct reader *reader, const unsigned char *data, size_t len)
{
	while (len > 0) {
		if (reader->rest > 0) {
			size_t n = reader->rest < len ? reader->rest : len;
			reader->rest -= n;
			data += n;
			len -= n;
			continue;
		}
		size_t head_size = reader->started ? 5 : 4;
		reader->head[reader->head_have++] = *data++;
		--len;
		if (reader->head_have < head_size)
			continue;
		const unsigned char *length = reader->head + head_size - 4;
		reader->rest = ((size_t)length[0] << 24 | (size_t)length[1] << 16 | (size_t)length[2] << 8 | length[3]) - 4;
		if (reader->started)
			count(reader->head[0]);
		reader->started = true;
		reader->head_have = 0;
	}
}

static bool pass(int from, int to, struct reader *reader)
{
	unsigned char data[65536];
	ssize_t n = read(from, data, sizeof(data));
	if (n <= 0)
		return false;
	if (reader != NULL)
		follow(reader, data, (size_t)n);
	for (ssize_t done = 0; done < n;) {
		ssize_t written = write(to, data + done, (size_t)(n - done));
		if (written < 0 && errno != EINTR)
			return false;
		done += written > 0 ? written : 0;
	}
	return true;
}

static int open_socket(const char *folder, bool listening)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if ((size_t)snprintf(address.sun_path, sizeof(address.sun_path), "%s/.s.PGSQL.5432", folder) >= sizeof(address.sun_path))
		return -1;
	int failed = listening ? bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 64) != 0
	                       : connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0;
	if (!failed)
		return fd;
	close(fd);
	return -1;
}

static void *serve(void *arg)
{
	int client = (int)(intptr_t)arg, server = open_socket(server_folder, false);
	struct reader reader = {0};
	struct pollfd both[] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
	bool open = server >= 0;
	while (open && poll(both, 2, -1) > 0) {
		if (both[0].revents != 0)
			open = pass(client, server, &reader);
		if (open && both[1].revents != 0)
			open = pass(server, client, NULL);
	}
	close(client);
	if (server >= 0)
		close(server);
	return NULL;
}

static void *accept_all(void *arg)
{
	int listener = (int)(intptr_t)arg;
	for (;;) {
		pthread_t thread;
		int client = accept(listener, NULL, NULL);
		if (client >= 0 && pthread_create(&thread, NULL, serve, (void *)(intptr_t)client) == 0)
			pthread_detach(thread);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	char line[64];
	pthread_t thread;
	if (argc != 3) {
		fprintf(stderr, "usage: bench_round_trips SOCKET_FOLDER LISTEN_FOLDER\n");
		return 2;
	}
	server_folder = argv[1];
	int listener = open_socket(argv[2], true);
	if (listener < 0 || pthread_create(&thread, NULL, accept_all, (void *)(intptr_t)listener) != 0) {
		fprintf(stderr, "bench_round_trips: cannot listen in %s: %s\n", argv[2], strerror(errno));
		return 1;
	}
	while (fgets(line, sizeof(line), stdin) != NULL) {
		printf("%lu\n", atomic_load(&syncs) + atomic_load(&queries));
		fflush(stdout);
	}
	return 0;
}
