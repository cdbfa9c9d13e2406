/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/s3/s3_wire.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define LIBRARY "libcurl.so.4"
#define CONNECT_S 10L
/* s3.h says what counts as broken. */
#define SLOW_BYTES 100L
#define SLOW_S 20L

/* What is used of libcurl. */
static struct {
	__typeof__(&curl_global_init) global_init;
	__typeof__(&curl_easy_init) easy_init;
	__typeof__(&curl_easy_setopt) easy_setopt;
	__typeof__(&curl_easy_getinfo) easy_getinfo;
	__typeof__(&curl_easy_strerror) easy_strerror;
	__typeof__(&curl_easy_reset) easy_reset;
	__typeof__(&curl_easy_cleanup) easy_cleanup;
	__typeof__(&curl_multi_init) multi_init;
	__typeof__(&curl_multi_setopt) multi_setopt;
	__typeof__(&curl_multi_add_handle) multi_add_handle;
	__typeof__(&curl_multi_remove_handle) multi_remove_handle;
	__typeof__(&curl_multi_perform) multi_perform;
	__typeof__(&curl_multi_poll) multi_poll;
	__typeof__(&curl_multi_info_read) multi_info_read;
	__typeof__(&curl_multi_strerror) multi_strerror;
	__typeof__(&curl_multi_cleanup) multi_cleanup;
	__typeof__(&curl_slist_append) slist_append;
	__typeof__(&curl_slist_free_all) slist_free_all;
	__typeof__(&curl_getdate) getdate;
} lib;

static const struct {
	const char *name;
	void *to;
} symbols[] = {
	{"curl_global_init", &lib.global_init},
	{"curl_easy_init", &lib.easy_init},
	{"curl_easy_setopt", &lib.easy_setopt},
	{"curl_easy_getinfo", &lib.easy_getinfo},
	{"curl_easy_strerror", &lib.easy_strerror},
	{"curl_easy_reset", &lib.easy_reset},
	{"curl_easy_cleanup", &lib.easy_cleanup},
	{"curl_multi_init", &lib.multi_init},
	{"curl_multi_setopt", &lib.multi_setopt},
	{"curl_multi_add_handle", &lib.multi_add_handle},
	{"curl_multi_remove_handle", &lib.multi_remove_handle},
	{"curl_multi_perform", &lib.multi_perform},
	{"curl_multi_poll", &lib.multi_poll},
	{"curl_multi_info_read", &lib.multi_info_read},
	{"curl_multi_strerror", &lib.multi_strerror},
	{"curl_multi_cleanup", &lib.multi_cleanup},
	{"curl_slist_append", &lib.slist_append},
	{"curl_slist_free_all", &lib.slist_free_all},
	{"curl_getdate", &lib.getdate},
};

struct s3_wire {
	CURLM *multi;
	char *ca_bundle;
	CURL *idle[32]; /* handles to use again */
	size_t idles;
	int running; /* requests that have begun, and of which s3_wire_next has not told */
};

static int load(struct err *err)
{
	static bool loaded;
	void *handle;

	if (loaded) {
		return 0;
	}
	handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!handle) {
		return err_set(err, ERR_FAIL,
			       "an object store needs libcurl: %s; install the package "
			       "libcurl4",
			       dlerror());
	}
	for (size_t i = 0; i < sizeof(symbols) / sizeof(*symbols); i++) {
		void *symbol = dlsym(handle, symbols[i].name);

		if (!symbol) {
			return err_set(err, ERR_FAIL,
				       LIBRARY " is too old for object stores: it has no "
					       "%s",
				       symbols[i].name);
		}
		memcpy(symbols[i].to, &symbol, sizeof(symbol));
	}
	if (lib.global_init(CURL_GLOBAL_DEFAULT)) {
		return err_set(err, ERR_FAIL, "libcurl cannot be initialised");
	}
	/* OpenSSL writes to connections that may be broken. If it were left to libcurl to ignore
	 * the signal, one thread would restore it while another writes. */
	signal(SIGPIPE, SIG_IGN);
	loaded = true;
	return 0;
}

int s3_wire_open(struct s3_wire **out, const char *ca_bundle, struct err *err)
{
	struct s3_wire *wire;
	int rc = load(err);

	*out = NULL;
	if (rc) {
		return rc;
	}
	wire = xzalloc(sizeof(*wire));
	wire->multi = lib.multi_init();
	if (!wire->multi) {
		free(wire);
		return err_set(err, ERR_FAIL, "libcurl cannot be initialised");
	}
	wire->ca_bundle = ca_bundle ? xstrdup(ca_bundle) : NULL;
	*out = wire;
	return 0;
}

void s3_wire_close(struct s3_wire *wire)
{
	if (!wire) {
		return;
	}
	while (wire->idles) {
		lib.easy_cleanup(wire->idle[--wire->idles]);
	}
	lib.multi_cleanup(wire->multi);
	free(wire->ca_bundle);
	free(wire);
}

/* --- what comes ---------------------------------------------------------------------- */

/* Copies what stands behind "NAME:" in a header line, without blanks and quotes at its ends, or the
 * W/ that a proxy puts before an ETag.
 * False: the line is another one, or the value does not fit. */
static bool header_value(char *out, size_t size, const char *line, size_t len,
			 const char *name)
{
	size_t begin = strlen(name) + 1;

	if (len < begin || strncasecmp(line, name, begin - 1) != 0 ||
	    line[begin - 1] != ':') {
		return false;
	}
	while (begin < len && strchr(" \t\"", line[begin])) {
		begin++;
	}
	begin += len - begin > 3 && strncmp(line + begin, "W/\"", 3) == 0 ? 3 : 0;
	while (len > begin && strchr(" \t\r\n\"", line[len - 1])) {
		len--;
	}
	if (len - begin >= size) {
		return false;
	}
	memcpy(out, line + begin, len - begin);
	out[len - begin] = '\0';
	return true;
}

static int64_t header_date(const char *value)
{
	time_t t = lib.getdate(value, NULL);

	return t > 0 ? t : 0;
}

static size_t on_header(char *line, size_t one, size_t len, void *data)
{
	struct s3_wire_request *request = data;
	char value[128];

	(void)one;
	if (len > 5 && strncmp(line, "HTTP/", 5) == 0) {
		/* What an answer 100 had before does not count. */
		*request->etag = *request->region = '\0';
		request->date_s = request->modified_s = request->retry_after_s = 0;
	} else if (header_value(value, sizeof(value), line, len, "etag")) {
		memcpy(request->etag, value, sizeof(value));
	} else if (header_value(value, sizeof(value), line, len, "date")) {
		request->date_s = header_date(value);
	} else if (header_value(value, sizeof(value), line, len, "last-modified")) {
		request->modified_s = header_date(value);
	} else if (header_value(value, sizeof(value), line, len, "retry-after")) {
		request->retry_after_s = strtol(value, NULL, 10);
	} else if (header_value(value, sizeof(request->region), line, len,
				"x-amz-bucket-region")) {
		memcpy(request->region, value, sizeof(request->region));
	} else if (header_value(value, sizeof(value), line, len, "x-rgw-object-type")) {
		request->rgw = true;
	}
	return len;
}

static int status_of(CURL *easy)
{
	long status = 0;

	lib.easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	return (int)status;
}

static size_t on_body(char *bytes, size_t one, size_t len, void *data)
{
	struct s3_wire_request *request = data;
	bool success = status_of(request->easy) / 100 == 2;
	size_t max = success ? request->max : S3_WIRE_ERROR_MAX;

	(void)one;
	if (len > max - request->answer.len) {
		/* The beginning of an error is enough; the rest may never end. */
		request->result = success ? S3_WIRE_LARGE : S3_WIRE_ANSWERED;
		request->enough = true;
		return 0;
	}
	buf_add(&request->answer, bytes, len);
	return len;
}

/* --- what is sent -------------------------------------------------------------------- */

/* Closing a connection, also by the end of the process, drops what the kernel has not sent yet: it
 * would go on sending what was cut. A program that we start must not keep it open. */
static int on_socket(void *data, curl_socket_t fd, curlsocktype type)
{
	static const struct linger linger = {.l_onoff = 1, .l_linger = 0};

	(void)data;
	(void)type;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	return CURL_SOCKOPT_OK;
}

/* A header that libcurl would send otherwise. */
static const char *const unwanted[] = {"Expect:", "Accept:"};

static bool set_headers(struct s3_wire_request *request)
{
	struct curl_slist *list = NULL, *longer;

	for (size_t i = 0; i < request->headers + 2; i++) {
		longer = lib.slist_append(list, i < request->headers
							? request->header[i]
							: unwanted[i - request->headers]);
		if (!longer) {
			lib.slist_free_all(list);
			return false;
		}
		list = longer;
	}
	request->list = list;
	return true;
}

static void prepare(struct s3_wire *wire, struct s3_wire_request *request)
{
	CURL *easy = request->easy;

	lib.easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	lib.easy_setopt(easy, CURLOPT_URL, request->url);
	lib.easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	lib.easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	lib.easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	lib.easy_setopt(easy, CURLOPT_USERAGENT, "albumen/" ALBUMEN_VERSION);
	lib.easy_setopt(easy, CURLOPT_HTTPHEADER, request->list);
	lib.easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
	lib.easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, SLOW_BYTES);
	lib.easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, SLOW_S);
	lib.easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
	lib.easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	lib.easy_setopt(easy, CURLOPT_HEADERDATA, request);
	lib.easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	lib.easy_setopt(easy, CURLOPT_WRITEDATA, request);
	lib.easy_setopt(easy, CURLOPT_ERRORBUFFER, request->why);
	lib.easy_setopt(easy, CURLOPT_PRIVATE, request);
	if (wire->ca_bundle) {
		lib.easy_setopt(easy, CURLOPT_CAINFO, wire->ca_bundle);
	}
	if (request->body) {
		/* As the body of a POST it can be sent again, on a new connection, if a kept
		 * one turns out to have been closed. */
		lib.easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
		lib.easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
				(curl_off_t)request->len);
	}
	lib.easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static void finish(struct s3_wire *wire, struct s3_wire_request *request)
{
	lib.multi_remove_handle(wire->multi, request->easy);
	lib.slist_free_all(request->list);
	if (wire->idles < sizeof(wire->idle) / sizeof(*wire->idle)) {
		lib.easy_reset(request->easy);
		wire->idle[wire->idles++] = request->easy;
	} else {
		lib.easy_cleanup(request->easy);
	}
	request->easy = request->list = NULL;
	wire->running--;
}

int s3_wire_start(struct s3_wire *wire, struct s3_wire_request *request, struct err *err)
{
	CURLMcode code;

	request->result = S3_WIRE_ANSWERED;
	request->enough = false;
	request->status = 0;
	*request->why = *request->etag = *request->region = '\0';
	request->date_s = request->modified_s = request->retry_after_s = 0;
	buf_clear(&request->answer);
	request->easy = wire->idles ? wire->idle[--wire->idles] : lib.easy_init();
	if (!request->easy) {
		return err_set(err, ERR_FAIL, "libcurl cannot begin a request");
	}
	wire->running++;
	if (!set_headers(request)) {
		finish(wire, request);
		return err_set(err, ERR_FAIL, "libcurl cannot begin a request");
	}
	prepare(wire, request);
	code = lib.multi_add_handle(wire->multi, request->easy);
	if (code) {
		finish(wire, request);
		return err_set(err, ERR_FAIL, "libcurl cannot begin a request: %s",
			       lib.multi_strerror(code));
	}
	return 0;
}

void s3_wire_cut(struct s3_wire *wire, struct s3_wire_request *request)
{
	if (request->easy) {
		finish(wire, request);
	}
}

int s3_wire_step(struct s3_wire *wire, int timeout_ms, struct err *err)
{
	int running;
	CURLMcode code = lib.multi_perform(wire->multi, &running);

	if (!code && running == wire->running) {
		code = lib.multi_poll(wire->multi, NULL, 0, timeout_ms, NULL);
	}
	return code ? err_set(err, ERR_FAIL, "libcurl: %s", lib.multi_strerror(code)) : 0;
}

/* Whether a new try may succeed where this one has not. */
static enum s3_wire_result judge(CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return S3_WIRE_ANSWERED;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ENGINE_NOTFOUND:
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_BAD_FUNCTION_ARGUMENT:
	case CURLE_OUT_OF_MEMORY:
		return S3_WIRE_WRONG;
	default:
		return S3_WIRE_BROKEN;
	}
}

struct s3_wire_request *s3_wire_next(struct s3_wire *wire)
{
	struct s3_wire_request *request = NULL;
	CURLMsg *message;
	CURLcode code;
	int left;

	do {
		message = lib.multi_info_read(wire->multi, &left);
		if (!message) {
			return NULL;
		}
	} while (message->msg != CURLMSG_DONE);
	code = message->data.result;
	lib.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
	request->status = status_of(request->easy);
	if (!request->enough) {
		request->result = judge(code);
	}
	if (code && !*request->why) {
		snprintf(request->why, sizeof(request->why), "%s",
			 lib.easy_strerror(code));
	}
	finish(wire, request);
	return request;
}
