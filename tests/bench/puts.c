/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * puts URL FOLDER - what a store can take: PUTs the files of FOLDER that standard input names, one
 * a line, to URL/NAME, 16 at once over kept connections, signed by libcurl. It does nothing else:
 * no lease, no retry, no order. tests/bench/README.md says what is compared with it. The key is
 * AWS_ACCESS_KEY_ID, the secret AWS_SECRET_ACCESS_KEY.
 */

#define PARALLEL 16

struct put {
	CURL *easy;
	char *body;
	size_t len;
};

static char name[8192]; /* the file that is begun */

static void fail(const char *what)
{
	fprintf(stderr, "puts: %s: %s\n", what, name);
	exit(1);
}

static size_t drop(char *bytes, size_t size, size_t count, void *payload)
{
	(void)bytes;
	(void)payload;
	return size * count;
}

static void read_file(struct put *put, const char *folder)
{
	char path[16384];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "rb");
	if (!file || fseek(file, 0, SEEK_END)) {
		fail("cannot read");
	}
	put->len = (size_t)ftell(file);
	rewind(file);
	free(put->body);
	put->body = malloc(put->len + 1);
	if (!put->body || fread(put->body, 1, put->len, file) != put->len) {
		fail("cannot read");
	}
	fclose(file);
}

static void set_url(struct put *put, const char *base)
{
	char url[32768];
	size_t len = (size_t)snprintf(url, sizeof(url), "%s/", base);

	for (const char *c = name; *c; c++) {
		int keep = strchr("-_.~/", *c) || (*c >= '0' && *c <= '9') ||
			   (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z');

		len += (size_t)sprintf(url + len, keep ? "%c" : "%%%02X",
				       (unsigned char)*c);
	}
	curl_easy_setopt(put->easy, CURLOPT_URL, url);
}

/* False: there are no more. */
static int next(struct put *put, CURLM *multi, const char *base, const char *folder)
{
	if (!fgets(name, sizeof(name), stdin)) {
		return 0;
	}
	name[strcspn(name, "\n")] = '\0';
	read_file(put, folder);
	set_url(put, base);
	curl_easy_setopt(put->easy, CURLOPT_POSTFIELDS, put->body);
	curl_easy_setopt(put->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)put->len);
	return curl_multi_add_handle(multi, put->easy) == CURLM_OK;
}

int main(int argc, char **argv)
{
	const char *id = getenv("AWS_ACCESS_KEY_ID"),
		   *secret = getenv("AWS_SECRET_ACCESS_KEY");
	static struct put puts[PARALLEL];
	struct curl_slist *headers = NULL;
	CURLM *multi = curl_multi_init();
	int running = 0, more;

	if (argc != 3 || !id || !secret) {
		fail("usage: puts URL FOLDER");
	}
	headers = curl_slist_append(headers, "x-amz-content-sha256: UNSIGNED-PAYLOAD");
	headers = curl_slist_append(headers, "Content-Type: application/json");
	for (int i = 0; i < PARALLEL; i++) {
		CURL *easy = puts[i].easy = curl_easy_init();

		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "PUT");
		curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop);
		curl_easy_setopt(easy, CURLOPT_PRIVATE, &puts[i]);
		curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, "aws:amz:us-east-1:s3");
		curl_easy_setopt(easy, CURLOPT_USERNAME, id);
		curl_easy_setopt(easy, CURLOPT_PASSWORD, secret);
		running += next(&puts[i], multi, argv[1], argv[2]);
	}
	while (running) {
		CURLMsg *message;

		curl_multi_perform(multi, &more);
		while ((message = curl_multi_info_read(multi, &more))) {
			CURL *easy = message->easy_handle;
			struct put *put;
			long status;

			curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&put);
			curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
			if (message->data.result != CURLE_OK || status != 200) {
				fail("the store refuses");
			}
			curl_multi_remove_handle(multi, easy);
			running += next(put, multi, argv[1], argv[2]) - 1;
		}
		curl_multi_poll(multi, NULL, 0, 1000, NULL);
	}
	for (int i = 0; i < PARALLEL; i++) {
		curl_easy_cleanup(puts[i].easy);
		free(puts[i].body);
	}
	curl_multi_cleanup(multi);
	curl_slist_free_all(headers);
	return 0;
}
