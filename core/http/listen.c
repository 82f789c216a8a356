#include "internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/*
 * Listening Unix sockets of this process. A path can be bound once only, so the threads' servers share one socket: each gets a
 * duplicate of the descriptor.
 */
struct unix_socket {
	struct cp_list link;
	char *path;
	int fd;
	unsigned users;
	ino_t inode; /* of the path when we bound it: somebody else's file is not removed */
};

/*
 * TCP addresses that this process listens on. The first to listen takes the address for itself and only then opens it to the other
 * threads (SO_REUSEPORT): otherwise a second process would get half of the connections without a word.
 */
struct cp_tcp_address {
	struct cp_list link;
	struct sockaddr_storage address;
	unsigned users;
};

static pthread_mutex_t sockets_lock = PTHREAD_MUTEX_INITIALIZER; /* of both lists */
static struct cp_list unix_sockets = {&unix_sockets, &unix_sockets};
static struct cp_list tcp_addresses = {&tcp_addresses, &tcp_addresses};

/* ---- connections */

static void describe_peer(struct cp_http_connection *connection)
{
	struct sockaddr_storage address = {0};
	const void *bytes = NULL;
	if (h2o_socket_getpeername(connection->socket, (struct sockaddr *)&address) != 0) {
		if (address.ss_family == AF_INET)
			bytes = &((struct sockaddr_in *)&address)->sin_addr;
		else if (address.ss_family == AF_INET6)
			bytes = &((struct sockaddr_in6 *)&address)->sin6_addr;
	}
	if (bytes == NULL || inet_ntop(address.ss_family, bytes, connection->peer, sizeof(connection->peer)) == NULL)
		memcpy(connection->peer, "unix", sizeof("unix"));
}

static void serve(struct cp_http_server *server, h2o_socket_t *socket)
{
	struct cp_http_connection *connection = cp_alloc(sizeof(*connection));
	connection->server = server;
	connection->socket = socket;
	describe_peer(connection);
	cp_list_push(&server->connections, &connection->link);
	++server->connection_count;
	socket->on_close.cb = cp_http_connection_closed;
	socket->on_close.data = connection;
	h2o_accept(&server->accept_context, socket);
}

void cp_http_connection_closed(void *data)
{
	struct cp_http_connection *connection = data;
	struct cp_http_server *server = connection->server;
	cp_list_remove(&connection->link);
	--server->connection_count;
	free(connection);
	if (server->accept_paused && !cp_timer_is_started(&server->accept_timer))
		cp_http_accept_resume(server);
	cp_http_shutdown_check(server);
}

static void accept_pause(struct cp_http_server *server)
{
	server->accept_paused = true;
	for (struct cp_list *link = server->listeners.next; link != &server->listeners; link = link->next)
		h2o_socket_read_stop(CP_CONTAINER_OF(link, struct cp_http_listener, link)->socket);
}

static void on_accept(h2o_socket_t *listening, const char *error)
{
	struct cp_http_listener *listener = listening->data;
	struct cp_http_server *server = listener->server;
	if (error != NULL)
		return;
	for (int i = 0; i < CP_HTTP_ACCEPT_BATCH; ++i) {
		if (server->connection_count >= server->options.max_connections) {
			accept_pause(server); /* the next to close resumes it */
			return;
		}
		h2o_socket_t *socket = h2o_evloop_socket_accept(listening);
		if (socket == NULL) {
			/* Out of descriptors or memory: the listener stays readable, and asking again at once would only spin. */
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
				accept_pause(server);
				cp_timer_start(&server->accept_timer, CP_HTTP_ACCEPT_PAUSE_MS);
			}
			return;
		}
		serve(server, socket);
	}
}

void cp_http_accept_resume(struct cp_http_server *server)
{
	server->accept_paused = false;
	for (struct cp_list *link = server->listeners.next; link != &server->listeners; link = link->next)
		h2o_socket_read_start(CP_CONTAINER_OF(link, struct cp_http_listener, link)->socket, on_accept);
}

/* ---- TCP */

static int parse_port(struct cp_str text, uint16_t *ret_port)
{
	uint64_t port;
	if (cp_str_to_u64(text, UINT16_MAX, &port) != 0)
		return CP_E_INPUT;
	*ret_port = (uint16_t)port;
	return 0;
}

static int parse_address(const char *text, struct sockaddr_storage *ret_address, socklen_t *ret_len)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN];
	uint16_t port;
	size_t host_len = colon == NULL ? 0 : (size_t)(colon - text);
	bool is_ipv6 = host_len > 2 && text[0] == '[' && text[host_len - 1] == ']';
	const char *host_start = is_ipv6 ? text + 1 : text;
	if (is_ipv6)
		host_len -= 2;
	if (host_len == 0 || host_len >= sizeof(host) || parse_port(cp_str(colon + 1), &port) != 0)
		return cp_fail(CP_E_INPUT, "cannot listen on %s: not address:port, [address]:port or unix:/path", text);
	memcpy(host, host_start, host_len);
	host[host_len] = '\0';
	struct sockaddr_storage address = {.ss_family = is_ipv6 ? AF_INET6 : AF_INET};
	struct sockaddr_in *in = (struct sockaddr_in *)&address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address;
	if (inet_pton(address.ss_family, host, is_ipv6 ? (void *)&in6->sin6_addr : (void *)&in->sin_addr) != 1)
		return cp_fail(CP_E_INPUT, "cannot listen on %s: not a numeric address", text);
	if (is_ipv6)
		in6->sin6_port = htons(port);
	else
		in->sin_port = htons(port);
	*ret_address = address;
	*ret_len = is_ipv6 ? sizeof(*in6) : sizeof(*in);
	return 0;
}

static struct cp_tcp_address *tcp_find(const struct sockaddr_storage *address)
{
	for (struct cp_list *link = tcp_addresses.next; link != &tcp_addresses; link = link->next) {
		struct cp_tcp_address *entry = CP_CONTAINER_OF(link, struct cp_tcp_address, link);
		if (memcmp(&entry->address, address, sizeof(*address)) == 0)
			return entry;
	}
	return NULL;
}

static int bind_tcp(int fd, const struct sockaddr_storage *address, socklen_t len, bool first, unsigned write_ms)
{
	int on = 1;
	unsigned user_timeout = write_ms;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    (!first && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0) ||
	    (address->ss_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0))
		return -1;
	/* Inherited by what is accepted: a peer that has vanished without a word is noticed also while nothing is sent to it. */
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout, sizeof(user_timeout));
	if (bind(fd, (const struct sockaddr *)address, len) != 0 ||
	    (first && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0))
		return -1;
	return listen(fd, SOMAXCONN);
}

static void tcp_release(struct cp_tcp_address *entry)
{
	pthread_mutex_lock(&sockets_lock);
	if (--entry->users == 0) {
		cp_list_remove(&entry->link);
		free(entry);
	}
	pthread_mutex_unlock(&sockets_lock);
}

static struct cp_tcp_address *tcp_take_locked(const struct sockaddr_storage *address)
{
	struct cp_tcp_address *entry = tcp_find(address);
	if (entry == NULL) {
		entry = cp_alloc(sizeof(*entry));
		entry->address = *address;
		cp_list_push(&tcp_addresses, &entry->link);
	}
	++entry->users;
	return entry;
}

static int listen_tcp_locked(struct cp_http_server *server, const char *text, int *ret_fd, struct cp_tcp_address **ret_tcp, uint16_t *ret_port)
{
	struct sockaddr_storage address;
	socklen_t len;
	int error = parse_address(text, &address, &len);
	if (error != 0)
		return error;
	int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return cp_fail_errno("cannot listen on %s", text);
	if (bind_tcp(fd, &address, len, tcp_find(&address) == NULL, server->options.write_ms) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
		error = cp_fail_errno("cannot listen on %s", text);
		close(fd);
		return error;
	}
	*ret_fd = fd;
	*ret_tcp = tcp_take_locked(&address);
	*ret_port = ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
	                                                : ((struct sockaddr_in *)&address)->sin_port);
	return 0;
}

static int listen_tcp(struct cp_http_server *server, const char *text, int *ret_fd, struct cp_tcp_address **ret_tcp, uint16_t *ret_port)
{
	pthread_mutex_lock(&sockets_lock);
	int error = listen_tcp_locked(server, text, ret_fd, ret_tcp, ret_port);
	pthread_mutex_unlock(&sockets_lock);
	return error;
}

/* ---- Unix sockets */

static struct unix_socket *unix_find(const char *path)
{
	for (struct cp_list *link = unix_sockets.next; link != &unix_sockets; link = link->next) {
		struct unix_socket *entry = CP_CONTAINER_OF(link, struct unix_socket, link);
		if (strcmp(entry->path, path) == 0)
			return entry;
	}
	return NULL;
}

/* What a process that was killed left behind: there is a socket (connecting to a plain file is refused as well), and nobody
 * behind it. */
static bool unix_is_stale(const struct sockaddr_un *address)
{
	struct stat file;
	if (lstat(address->sun_path, &file) != 0 || !S_ISSOCK(file.st_mode))
		return false;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return false;
	bool refused = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == -1 && errno == ECONNREFUSED;
	close(fd);
	return refused;
}

static int unix_bind(int fd, const struct sockaddr_un *address)
{
	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return -1;
	if (!unix_is_stale(address)) {
		errno = EADDRINUSE;
		return -1;
	}
	unlink(address->sun_path);
	return bind(fd, (const struct sockaddr *)address, sizeof(*address));
}

static int unix_open(const char *path, struct unix_socket **ret_entry)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(address.sun_path))
		return cp_fail(CP_E_INPUT, "cannot listen on unix:%s: the path is longer than %zu bytes", path,
		               sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct stat file = {0};
	if (fd == -1 || unix_bind(fd, &address) != 0 || listen(fd, SOMAXCONN) != 0 || stat(path, &file) != 0) {
		int error = cp_fail_errno("cannot listen on unix:%s", path);
		if (fd != -1)
			close(fd);
		return error;
	}
	struct unix_socket *entry = cp_alloc(sizeof(*entry));
	*entry = (struct unix_socket){.path = cp_strdup(path), .fd = fd, .inode = file.st_ino};
	cp_list_push(&unix_sockets, &entry->link);
	*ret_entry = entry;
	return 0;
}

static void unix_release_locked(struct unix_socket *entry)
{
	struct stat file;
	if (--entry->users != 0)
		return;
	if (stat(entry->path, &file) == 0 && file.st_ino == entry->inode)
		unlink(entry->path);
	cp_list_remove(&entry->link);
	close(entry->fd);
	free(entry->path);
	free(entry);
}

static int listen_unix(const char *path, int *ret_fd)
{
	int error = 0;
	pthread_mutex_lock(&sockets_lock);
	struct unix_socket *entry = unix_find(path);
	if (entry == NULL)
		error = unix_open(path, &entry);
	if (error == 0) {
		++entry->users;
		int fd = fcntl(entry->fd, F_DUPFD_CLOEXEC, 0);
		if (fd == -1) {
			error = cp_fail_errno("cannot listen on unix:%s", path);
			unix_release_locked(entry);
		} else {
			*ret_fd = fd;
		}
	}
	pthread_mutex_unlock(&sockets_lock);
	return error;
}

/* ---- listeners */

int cp_http_listen(struct cp_http_server *server, const char *address, uint16_t *ret_port)
{
	int fd = -1;
	uint16_t port = 0;
	bool is_unix = strncmp(address, "unix:", 5) == 0;
	struct cp_tcp_address *tcp = NULL;
	int error = is_unix ? listen_unix(address + 5, &fd) : listen_tcp(server, address, &fd, &tcp, &port);
	if (error != 0)
		return error;
	struct cp_http_listener *listener = cp_alloc(sizeof(*listener));
	listener->server = server;
	listener->tcp = tcp;
	listener->unix_path = is_unix ? cp_strdup(address + 5) : NULL;
	listener->socket = h2o_evloop_socket_create(server->context.loop, fd, H2O_SOCKET_FLAG_DONT_READ);
	listener->socket->data = listener;
	cp_list_push(&server->listeners, &listener->link);
	if (!server->accept_paused)
		h2o_socket_read_start(listener->socket, on_accept);
	if (ret_port != NULL)
		*ret_port = port;
	return 0;
}

/* Closing a listener resets what waits in its accept queue: it is emptied first, whatever the limit of connections. */
void cp_http_listeners_close(struct cp_http_server *server, bool drain)
{
	for (struct cp_http_listener *listener;
	     (listener = CP_LIST_FIRST(&server->listeners, struct cp_http_listener, link)) != NULL;) {
		cp_list_remove(&listener->link);
		for (h2o_socket_t *socket; drain && (socket = h2o_evloop_socket_accept(listener->socket)) != NULL;)
			serve(server, socket);
		h2o_socket_close(listener->socket);
		if (listener->unix_path != NULL) {
			pthread_mutex_lock(&sockets_lock);
			unix_release_locked(unix_find(listener->unix_path));
			pthread_mutex_unlock(&sockets_lock);
		}
		if (listener->tcp != NULL)
			tcp_release(listener->tcp);
		free(listener->unix_path);
		free(listener);
	}
}
