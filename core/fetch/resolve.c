/*
 * Names, looked up by a few threads of the process, since getaddrinfo() blocks for as long as a name server pleases.
 *
 * A fetcher keeps what it learned for half a minute. After that the old addresses serve on while the name is looked up again, so
 * that a slow name server, or somebody else's names that fill the threads' time, do not delay requests to places we know.
 */
#include "base/clock.h"
#include "internal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

int (*cp_resolve_getaddrinfo)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = getaddrinfo;

struct cp_resolve_job {
	struct cp_list link;        /* pool.queue, then the resolver's done */
	struct cp_list own;         /* the resolver's jobs */
	struct cp_fetcher *fetcher; /* NULL: nobody wants to know any more */
	char *host;
	int (*look_up)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
	struct cp_addresses addresses;
	int failure; /* of getaddrinfo */
};

struct name {
	struct cp_addresses addresses;
	uint64_t good_ms;  /* when a look-up last brought addresses; 0: never */
	uint64_t tried_ms; /* when a look-up last ended; 0: never */
	int failure;       /* of that one */
	bool looking;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct cp_list queue;
	size_t queued, idle, threads;
	pthread_t ids[CP_RESOLVE_THREADS];
	bool stopping;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER, .queue = {&pool.queue, &pool.queue}};

/* ---- the threads */

static void free_job(struct cp_resolve_job *job)
{
	free(job->host);
	free(job);
}

static void look_up(struct cp_resolve_job *job)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
	struct addrinfo *list = NULL;
	job->failure = job->look_up(job->host, NULL, &hints, &list);
	if (job->failure != 0)
		return;
	for (struct addrinfo *info = list; info != NULL && job->addresses.count < CP_FETCH_ADDRESSES; info = info->ai_next)
		if (info->ai_family == AF_INET || info->ai_family == AF_INET6)
			memcpy(&job->addresses.items[job->addresses.count++], info->ai_addr, info->ai_addrlen);
	freeaddrinfo(list);
	if (job->addresses.count == 0)
		job->failure = EAI_NONAME;
}

/* Called with the lock held, which keeps the fetcher from going away meanwhile. */
static void hand_back(struct cp_resolve_job *job)
{
	struct cp_fetcher *fetcher = job->fetcher;
	if (fetcher == NULL) {
		free_job(job);
		return;
	}
	uint64_t one = 1;
	cp_list_push(&fetcher->resolver.done, &job->link);
	while (write(fetcher->resolver.wake_fd, &one, sizeof(one)) == -1 && errno == EINTR)
		;
}

static void *thread_main(void *data)
{
	(void)data;
	pthread_mutex_lock(&pool.lock);
	while (!pool.stopping) {
		struct cp_resolve_job *job = CP_LIST_FIRST(&pool.queue, struct cp_resolve_job, link);
		if (job == NULL) {
			++pool.idle;
			pthread_cond_wait(&pool.work, &pool.lock);
			--pool.idle;
			continue;
		}
		cp_list_remove(&job->link);
		--pool.queued;
		pthread_mutex_unlock(&pool.lock);
		look_up(job);
		pthread_mutex_lock(&pool.lock);
		hand_back(job);
	}
	pthread_mutex_unlock(&pool.lock);
	return NULL;
}

/* With every signal blocked: signals are for the loops. */
static int start_thread(void)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&pool.ids[pool.threads], NULL, thread_main, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error == 0)
		++pool.threads;
	return error;
}

void cp_resolve_pool_stop(void)
{
	pthread_mutex_lock(&pool.lock);
	pool.stopping = true;
	pthread_cond_broadcast(&pool.work);
	pthread_mutex_unlock(&pool.lock);
	struct timespec end;
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 1;
	for (size_t i = 0; i < pool.threads; ++i)
		if (pthread_timedjoin_np(pool.ids[i], NULL, &end) != 0)
			pthread_detach(pool.ids[i]);
	pthread_mutex_lock(&pool.lock);
	pool.threads = 0;
	pool.stopping = false;
	pthread_mutex_unlock(&pool.lock);
}

static int submit(struct cp_fetcher *fetcher, const char *host)
{
	int error = 0;
	pthread_mutex_lock(&pool.lock);
	if (pool.queued >= CP_RESOLVE_QUEUE) {
		error = cp_fail(CP_E_UNAVAILABLE, "%s: too many names wait to be resolved", host);
	} else if (pool.idle <= pool.queued && pool.threads < CP_RESOLVE_THREADS && start_thread() != 0 && pool.threads == 0) {
		error = cp_fail(CP_E_SYSTEM, "cannot start a thread to resolve names");
	} else {
		struct cp_resolve_job *job = cp_alloc(sizeof(*job));
		job->fetcher = fetcher;
		job->host = cp_strdup(host);
		job->look_up = cp_resolve_getaddrinfo;
		cp_list_push(&pool.queue, &job->link);
		cp_list_push(&fetcher->resolver.jobs, &job->own);
		++pool.queued;
		pthread_cond_signal(&pool.work);
	}
	pthread_mutex_unlock(&pool.lock);
	return error;
}

/* ---- a fetcher's names */

static const char *failure_text(int failure)
{
	return failure == EAI_NONAME || failure == EAI_NODATA ? "there is no such name" : gai_strerror(failure);
}

/* Tells every request that waits for this name; their callbacks come later, so that the list does not change in between. */
static void tell(struct cp_fetcher *fetcher, const char *host, const struct name *name)
{
	for (struct cp_list *link = fetcher->resolving.next, *next; link != &fetcher->resolving; link = next) {
		struct cp_fetch *fetch = CP_CONTAINER_OF(link, struct cp_fetch, link);
		next = link->next;
		if (strcmp(fetch->host, host) != 0)
			continue;
		if (name->failure == 0)
			cp_fetch_resolved(fetch, &name->addresses);
		else
			cp_fetch_fail(fetch, CP_E_UNAVAILABLE, "%s: %s", host, failure_text(name->failure));
	}
}

static void take_back(struct cp_fetcher *fetcher, struct cp_resolve_job *job)
{
	struct name *name = cp_map_get(fetcher->resolver.names, cp_str(job->host));
	if (name == NULL) {
		name = cp_alloc(sizeof(*name));
		cp_map_set(fetcher->resolver.names, cp_str(job->host), name);
	}
	name->looking = false;
	name->tried_ms = cp_clock_monotonic_ms();
	name->failure = job->failure;
	if (job->failure == 0) {
		name->addresses = job->addresses;
		name->good_ms = name->tried_ms;
	}
	tell(fetcher, job->host, name);
	free_job(job);
}

static struct cp_resolve_job *next_done(struct cp_fetcher *fetcher)
{
	pthread_mutex_lock(&pool.lock);
	struct cp_resolve_job *job = CP_LIST_FIRST(&fetcher->resolver.done, struct cp_resolve_job, link);
	if (job != NULL) {
		cp_list_remove(&job->link);
		cp_list_remove(&job->own);
	}
	pthread_mutex_unlock(&pool.lock);
	return job;
}

static void on_wake(void *data, unsigned events)
{
	struct cp_fetcher *fetcher = data;
	uint64_t count;
	(void)events;
	if (read(fetcher->resolver.wake_fd, &count, sizeof(count)) == -1 && errno != EAGAIN && errno != EINTR)
		return;
	for (struct cp_resolve_job *job; (job = next_done(fetcher)) != NULL;)
		take_back(fetcher, job);
}

struct sweep {
	struct cp_fetcher *fetcher;
	uint64_t now;
	char *stale[64];
	size_t count;
};

static void note_stale(void *data, struct cp_str key, void *value)
{
	struct sweep *sweep = data;
	const struct name *name = value;
	if (!name->looking && sweep->now - name->tried_ms > CP_RESOLVE_FRESH_MS && sweep->count < CP_COUNT(sweep->stale))
		sweep->stale[sweep->count++] = cp_strndup(key.ptr, key.len);
}

/* Makes room by forgetting some of the names that are no longer fresh. */
static void sweep_names(struct cp_fetcher *fetcher)
{
	struct sweep sweep = {.fetcher = fetcher, .now = cp_clock_monotonic_ms()};
	cp_map_each(fetcher->resolver.names, note_stale, &sweep);
	for (size_t i = 0; i < sweep.count; ++i) {
		cp_resolver_forget(fetcher, sweep.stale[i]);
		free(sweep.stale[i]);
	}
}

void cp_resolver_forget(struct cp_fetcher *fetcher, const char *host)
{
	struct name *name = cp_map_get(fetcher->resolver.names, cp_str(host));
	if (name != NULL && !name->looking)
		free(cp_map_remove(fetcher->resolver.names, cp_str(host)));
}

static struct name *find_or_add(struct cp_fetcher *fetcher, const char *host)
{
	struct cp_map *names = fetcher->resolver.names;
	struct name *name = cp_map_get(names, cp_str(host));
	if (name != NULL)
		return name;
	if (cp_map_count(names) >= CP_RESOLVE_NAMES)
		sweep_names(fetcher);
	if (cp_map_count(names) >= CP_RESOLVE_NAMES)
		return NULL;
	name = cp_alloc(sizeof(*name));
	cp_map_set(names, cp_str(host), name);
	return name;
}

int cp_resolver_find(struct cp_fetcher *fetcher, const char *host, struct cp_addresses *ret_addresses)
{
	struct name *name = find_or_add(fetcher, host);
	if (name == NULL)
		return cp_fail(CP_E_UNAVAILABLE, "%s: too many names are in use", host);
	uint64_t now = cp_clock_monotonic_ms();
	bool is_usable = name->good_ms != 0 && now - name->good_ms < CP_RESOLVE_STALE_MS;
	bool is_recent =
	    name->tried_ms != 0 && now - name->tried_ms < (name->failure != 0 ? CP_RESOLVE_FAILED_MS : CP_RESOLVE_FRESH_MS);
	if (!is_usable && is_recent)
		return cp_fail(CP_E_UNAVAILABLE, "%s: %s", host, failure_text(name->failure));
	if (!name->looking && !is_recent) {
		int error = submit(fetcher, host);
		if (error != 0 && !is_usable)
			return error;
		name->looking = error == 0;
	}
	if (!is_usable)
		return 0;
	*ret_addresses = name->addresses;
	return 1;
}

int cp_resolver_start(struct cp_fetcher *fetcher)
{
	struct cp_resolver *resolver = &fetcher->resolver;
	cp_list_init(&resolver->done);
	cp_list_init(&resolver->jobs);
	resolver->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (resolver->wake_fd == -1)
		return cp_fail_errno("fetcher: eventfd");
	int error = cp_watch_new(fetcher->loop, resolver->wake_fd, CP_WATCH_READ, on_wake, fetcher, &resolver->watch);
	if (error != 0) {
		close(resolver->wake_fd);
		return error;
	}
	resolver->names = cp_map_new();
	return 0;
}

void cp_resolver_stop(struct cp_fetcher *fetcher)
{
	struct cp_resolver *resolver = &fetcher->resolver;
	struct cp_list finished;
	cp_list_init(&finished);
	pthread_mutex_lock(&pool.lock);
	for (struct cp_resolve_job *job; (job = CP_LIST_FIRST(&resolver->done, struct cp_resolve_job, link)) != NULL;) {
		cp_list_remove(&job->link);
		cp_list_remove(&job->own);
		free_job(job);
	}
	for (struct cp_resolve_job *job; (job = CP_LIST_FIRST(&resolver->jobs, struct cp_resolve_job, own)) != NULL;) {
		cp_list_remove(&job->own);
		job->fetcher = NULL; /* a thread is at it: the thread frees it */
		if (cp_list_is_linked(&job->link)) {
			cp_list_remove(&job->link);
			--pool.queued;
			free_job(job);
		}
	}
	pthread_mutex_unlock(&pool.lock);
	resolver->watch = cp_watch_free(resolver->watch);
	close(resolver->wake_fd);
	resolver->names = cp_map_free(resolver->names, free);
}
