/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/s3/s3_sign.h"

#include <nettle/hmac.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "data/base/hex.h"

#define DAY 8 /* of a date: "20130524" */

void s3_sign_hash(char hex[S3_SIGN_HEX], const void *bytes, size_t len)
{
	struct sha256_ctx ctx;
	uint8_t digest[SHA256_DIGEST_SIZE];

	sha256_init(&ctx);
	sha256_update(&ctx, len, bytes);
	sha256_digest(&ctx, sizeof(digest), digest);
	hex_write(hex, digest, sizeof(digest));
}

void s3_sign_date(char date[S3_SIGN_DATE], int64_t unix_s)
{
	time_t t = (time_t)unix_s;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(date, S3_SIGN_DATE, "%Y%m%dT%H%M%SZ", &tm);
}

/* Replaces the key by the HMAC of the text under it. */
static void chain(uint8_t key[SHA256_DIGEST_SIZE], const char *text, size_t len)
{
	struct hmac_sha256_ctx ctx;

	hmac_sha256_set_key(&ctx, SHA256_DIGEST_SIZE, key);
	hmac_sha256_update(&ctx, len, (const uint8_t *)text);
	hmac_sha256_digest(&ctx, SHA256_DIGEST_SIZE, key);
	explicit_bzero(&ctx, sizeof(ctx));
}

static void derive(uint8_t out[SHA256_DIGEST_SIZE], const struct s3_sign_key *key,
		   const char *date)
{
	struct hmac_sha256_ctx ctx;
	struct buf secret = {0};

	buf_addf(&secret, "AWS4%s", key->secret);
	hmac_sha256_set_key(&ctx, secret.len, (const uint8_t *)secret.data);
	hmac_sha256_update(&ctx, DAY, (const uint8_t *)date);
	hmac_sha256_digest(&ctx, SHA256_DIGEST_SIZE, out);
	explicit_bzero(&ctx, sizeof(ctx));
	explicit_bzero(secret.data, secret.len);
	buf_release(&secret);
	chain(out, key->region, strlen(key->region));
	chain(out, key->service, strlen(key->service));
	chain(out, "aws4_request", strlen("aws4_request"));
}

static void add_names(struct buf *out, const struct s3_sign_request *request)
{
	for (size_t i = 0; i < request->headers; i++) {
		buf_addf(out, "%s%s", i ? ";" : "", request->header[i].name);
	}
}

void s3_sign(struct buf *out, const struct s3_sign_key *key,
	     const struct s3_sign_request *request, const char date[S3_SIGN_DATE])
{
	struct buf text = {0}, scope = {0};
	uint8_t signing[SHA256_DIGEST_SIZE];
	char hex[S3_SIGN_HEX];

	/* the canonical request, */
	buf_addf(&text, "%s\n%s\n%s\n", request->method, request->path, request->query);
	for (size_t i = 0; i < request->headers; i++) {
		buf_addf(&text, "%s:%s\n", request->header[i].name,
			 request->header[i].value);
	}
	buf_addch(&text, '\n');
	add_names(&text, request);
	buf_addf(&text, "\n%s", request->payload);
	s3_sign_hash(hex, text.data, text.len);
	/* the string to sign, */
	buf_addf(&scope, "%.*s/%s/%s/aws4_request", DAY, date, key->region, key->service);
	buf_clear(&text);
	buf_addf(&text, "AWS4-HMAC-SHA256\n%s\n%s\n%s", date, scope.data, hex);
	/* and the signature */
	derive(signing, key, date);
	chain(signing, text.data, text.len);
	hex_write(hex, signing, sizeof(signing));
	buf_addf(out, "AWS4-HMAC-SHA256 Credential=%s/%s,SignedHeaders=", key->id,
		 scope.data);
	add_names(out, request);
	buf_addf(out, ",Signature=%s", hex);
	buf_release(&text);
	buf_release(&scope);
}
