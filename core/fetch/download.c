#include "fetch/download.h"
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CONNECT_TIMEOUT_S = 15, REDIRECTS = 5 };

struct transfer {
	struct cp_download *download;
	FILE *file;
	char *part_path;
	uint64_t written;
	char etag[sizeof(((struct cp_download *)0)->ret_etag)];
	char message[CURL_ERROR_SIZE];
	bool allow_any; /* address */
	bool denied, too_large, given_up, disk_failed;
};

static curl_socket_t open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct transfer *transfer = data;
	(void)purpose;
	return cp_guard_open_socket(transfer->allow_any, address, &transfer->denied);
}

static size_t on_content(char *bytes, size_t size, size_t count, void *data)
{
	struct transfer *transfer = data;
	size_t len = size * count;
	if (len > transfer->download->max_size - transfer->written) {
		transfer->too_large = true;
		return 0;
	}
	if (fwrite(bytes, 1, len, transfer->file) != len) {
		transfer->disk_failed = true;
		return 0;
	}
	transfer->written += len;
	return len;
}

static size_t on_head(char *bytes, size_t size, size_t count, void *data)
{
	struct transfer *transfer = data;
	struct cp_str value, line = cp_str_n(bytes, size * count), name = cp_str_split(line, ':', &value);
	if (cp_str_starts(line, CP_STR("HTTP/"))) {
		transfer->etag[0] = '\0'; /* of a redirect */
	} else if (value.ptr != NULL && cp_str_eq_ignore_case(name, CP_STR("etag"))) {
		value = cp_str_trim(value);
		if (value.len < sizeof(transfer->etag))
			snprintf(transfer->etag, sizeof(transfer->etag), "%.*s", CP_STR_ARG(value));
	}
	return size * count;
}

static int on_progress(void *data, curl_off_t total, curl_off_t received, curl_off_t upload_total, curl_off_t uploaded)
{
	struct transfer *transfer = data;
	(void)upload_total;
	(void)uploaded;
	transfer->given_up = transfer->download->progress(transfer->download->data, (uint64_t)received, (uint64_t)total) != 0;
	return transfer->given_up;
}

/* A proxy that the operator's environment names decides itself whom it connects to, and is itself rarely a public address. */
static bool has_proxy(void)
{
	static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
	for (size_t i = 0; i < CP_COUNT(names); ++i) {
		const char *value = getenv(names[i]);
		if (value != NULL && value[0] != '\0')
			return true;
	}
	return false;
}

static void configure(CURL *easy, struct transfer *transfer, struct curl_slist *headers)
{
	const struct cp_download *download = transfer->download;
	const char *protocols = download->allow_http ? "https,http" : "https";
	curl_easy_setopt(easy, CURLOPT_URL, download->url);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->message);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, protocols);
	curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, protocols);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)REDIRECTS);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "callpower");
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)((download->stall_timeout_ms + 999) / 1000));
	curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_content);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	if (download->progress != NULL) {
		curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
		curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
		curl_easy_setopt(easy, CURLOPT_XFERINFODATA, transfer);
	}
}

static int explain(const struct transfer *transfer, CURLcode code, long status)
{
	const char *url = transfer->download->url;
	if (transfer->denied)
		return cp_fail(CP_E_DENIED, "%s leads to an address that is not on the public Internet", url);
	if (transfer->too_large)
		return cp_fail(CP_E_LIMIT, "%s is larger than %llu bytes", url, (unsigned long long)transfer->download->max_size);
	if (transfer->given_up)
		return cp_fail(CP_E_UNAVAILABLE, "%s: given up on request", url);
	if (transfer->disk_failed)
		return cp_fail(CP_E_SYSTEM, "%s: cannot be written", transfer->part_path);
	if (code == CURLE_HTTP_RETURNED_ERROR && (status == 404 || status == 410))
		return cp_fail(CP_E_NOTFOUND, "%s: the server has no such document (status %ld)", url, status);
	if (code == CURLE_HTTP_RETURNED_ERROR)
		return cp_fail(CP_E_UNAVAILABLE, "%s: the server answers with status %ld", url, status);
	if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
		return cp_fail(CP_E_INPUT, "%s is not an address that can be downloaded from", url);
	return cp_fail(CP_E_UNAVAILABLE, "%s: %s", url,
	               transfer->message[0] != '\0' ? transfer->message : curl_easy_strerror(code));
}

static int perform(struct transfer *transfer)
{
	struct curl_slist *headers = NULL;
	long status = 0;
	CURL *easy = curl_easy_init();
	if (easy == NULL)
		return cp_fail(CP_E_SYSTEM, "libcurl has no memory");
	if (transfer->download->etag != NULL && transfer->download->etag[0] != '\0') {
		struct cp_buf line = {0};
		cp_buf_printf(&line, "If-None-Match: %s", transfer->download->etag);
		headers = curl_slist_append(NULL, line.ptr);
		cp_buf_free(&line);
	}
	configure(easy, transfer, headers);
	CURLcode code = curl_easy_perform(easy);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(easy);
	curl_slist_free_all(headers);
	if (code != CURLE_OK)
		return explain(transfer, code, status);
	if (status == 304)
		return cp_fail(CP_E_CONFLICT, "%s has not changed", transfer->download->url);
	if (status != 200)
		return cp_fail(CP_E_UNAVAILABLE, "%s: the server answers with status %ld", transfer->download->url, status);
	return 0;
}

/* On the disk before it gets its name: what stands under the name is whole, also after a power cut. */
static int publish(struct transfer *transfer)
{
	bool is_written = fflush(transfer->file) == 0 && fsync(fileno(transfer->file)) == 0;
	if (!is_written || rename(transfer->part_path, transfer->download->path) != 0)
		return cp_fail_errno("cannot write %s", transfer->download->path);
	return 0;
}

int cp_download(struct cp_download *download)
{
	if (!cp_fetch_is_started())
		return cp_fail(CP_E_BUG, "download: cp_fetch_global_start() was not called");
	struct transfer transfer = {.download = download, .allow_any = download->allow_http || has_proxy()};
	struct cp_buf part_path = {0};
	cp_buf_printf(&part_path, "%s.part-XXXXXX", download->path);
	transfer.part_path = part_path.ptr;
	int fd = mkostemp(part_path.ptr, O_CLOEXEC), error;
	if (fd == -1) {
		error = cp_fail_errno("cannot write beside %s", download->path);
		cp_buf_free(&part_path);
		return error;
	}
	fchmod(fd, 0644);
	transfer.file = fdopen(fd, "w");
	error = perform(&transfer);
	if (error == 0)
		error = publish(&transfer);
	fclose(transfer.file);
	if (error != 0)
		unlink(part_path.ptr);
	else
		memcpy(download->ret_etag, transfer.etag, sizeof(download->ret_etag));
	cp_buf_free(&part_path);
	return error;
}
