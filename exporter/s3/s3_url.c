/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/s3/s3_url.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "data/base/hex.h"
#include "data/format/json.h"

#define SCHEME "s3://"
#define LETTERS_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define BUCKET_CHARS LETTERS_DIGITS "._-"
#define BUCKET_MAX 255 /* bytes, as the oldest buckets of AWS have */
#define PREFIX_MAX 512 /* bytes: as many are left for keys */

bool s3_url_is(const char *place)
{
	return strncasecmp(place, "s3:", 3) == 0;
}

static const char *bucket_fault(const char *bucket, size_t len)
{
	if (!len) {
		return "it names no bucket";
	}
	if (len > BUCKET_MAX || strspn(bucket, BUCKET_CHARS) < len || *bucket == '.' ||
	    *bucket == '-') {
		return "its bucket is no name that a bucket can have";
	}
	return NULL;
}

static bool is_dots(const char *segment, size_t len)
{
	return (len == 1 || len == 2) && strncmp(segment, "..", len) == 0;
}

static const char *prefix_fault(const char *prefix, size_t len)
{
	if (len > PREFIX_MAX) {
		return "its prefix has more than 512 bytes";
	}
	if (!json_is_utf8(prefix, len)) {
		return "its prefix is not UTF-8";
	}
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)prefix[i] < ' ' || prefix[i] == 0x7f) {
			return "its prefix has a control character";
		}
	}
	for (size_t at = 0; len && at <= len;) {
		const char *end = memchr(prefix + at, '/', len - at);
		size_t segment = (end ? (size_t)(end - prefix) : len) - at;

		if (!segment || is_dots(prefix + at, segment)) {
			return "its prefix has an empty part, '.' or '..'";
		}
		at += segment + 1;
	}
	return NULL;
}

int s3_url_parse(struct s3_place *out, const char *url, struct err *err)
{
	const char *fault, *bucket, *prefix;
	size_t bucket_len, len;

	*out = (struct s3_place){0};
	if (strncmp(url, SCHEME, strlen(SCHEME)) != 0) {
		return err_set(err, ERR_USAGE,
			       "'%s' is no place in an object store; one is "
			       "s3://BUCKET/PREFIX",
			       url);
	}
	bucket = url + strlen(SCHEME);
	bucket_len = strcspn(bucket, "/");
	prefix = bucket + bucket_len + (bucket[bucket_len] == '/');
	len = strlen(prefix);
	len -= len && prefix[len - 1] == '/';
	fault = bucket_fault(bucket, bucket_len);
	fault = fault ? fault : prefix_fault(prefix, len);
	if (fault) {
		return err_set(err, ERR_USAGE,
			       "'%s' is no place in an object store: %s; one is "
			       "s3://BUCKET/PREFIX",
			       url, fault);
	}
	out->bucket = xmemdup0(bucket, bucket_len);
	out->prefix = xmemdup0(prefix, len);
	return 0;
}

void s3_url_release(struct s3_place *place)
{
	free(place->bucket);
	free(place->prefix);
	*place = (struct s3_place){0};
}

void s3_url_name(struct buf *out, const struct s3_place *place, const char *key)
{
	buf_addf(out, SCHEME "%s/%s%s%s", place->bucket, place->prefix,
		 *place->prefix ? "/" : "", key);
}

void s3_url_escape(struct buf *out, const char *text, bool slash)
{
	for (; *text; text++) {
		if (strchr(LETTERS_DIGITS "-._~", *text) || (*text == '/' && !slash)) {
			buf_addch(out, *text);
		} else {
			buf_addf(out, "%%%02X", (unsigned char)*text);
		}
	}
}

bool s3_url_unescape(struct buf *out, const char *text)
{
	for (; *text; text++) {
		int byte = *text == '%' ? hex_number(text + 1, 2) : *text;

		if (*text == '%' && byte <= 0) {
			return false;
		}
		buf_addch(out, (char)byte);
		text += *text == '%' ? 2 : 0;
	}
	return true;
}

static const char *endpoint_fault(const char *host, size_t len, const char *base)
{
	if (!len) {
		return "it names no host";
	}
	if (memchr(host, '@', len)) {
		return "it has a user in it; keys are given by AWS_ACCESS_KEY_ID and "
		       "AWS_SECRET_ACCESS_KEY, or by a profile";
	}
	if (strspn(host, LETTERS_DIGITS ".-_:[]") < len) {
		return "its host is no name of a host";
	}
	if (strspn(base, LETTERS_DIGITS "-._~/") < strlen(base)) {
		return "its path has a character that must not be there";
	}
	return NULL;
}

int s3_url_endpoint(struct s3_endpoint *out, const char *url, const char *what,
		    struct err *err)
{
	bool tls = strncasecmp(url, "https://", 8) == 0;
	bool plain = strncasecmp(url, "http://", 7) == 0;
	const char *host = url + (tls ? 8 : 7), *fault, *port = tls ? ":443" : ":80";
	struct buf root = {0};
	size_t len, base;

	*out = (struct s3_endpoint){0};
	if (!tls && !plain) {
		return err_set(err, ERR_USAGE,
			       "%s does not begin with https:// or http://", what);
	}
	len = strcspn(host, "/?#");
	base = strlen(host + len);
	while (base && host[len + base - 1] == '/') {
		base--;
	}
	out->base = xmemdup0(host + len, base);
	fault = endpoint_fault(host, len, out->base);
	if (fault) {
		/* The URL is not repeated: a password may be in it. */
		s3_url_release_endpoint(out);
		return err_set(err, ERR_USAGE, "%s is no endpoint: %s", what, fault);
	}
	if (len > strlen(port) &&
	    strncmp(host + len - strlen(port), port, strlen(port)) == 0) {
		len -= strlen(port);
	}
	out->host = xmemdup0(host, len);
	buf_addf(&root, "%s://%s", tls ? "https" : "http", out->host);
	out->root = root.data;
	return 0;
}

void s3_url_release_endpoint(struct s3_endpoint *endpoint)
{
	free(endpoint->root);
	free(endpoint->host);
	free(endpoint->base);
	*endpoint = (struct s3_endpoint){0};
}
