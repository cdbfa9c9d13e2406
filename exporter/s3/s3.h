/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_S3_S3_H
#define EXPORTER_S3_S3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"
#include "exporter/s3/s3_answer.h"
#include "exporter/s3/s3_config.h"
#include "exporter/s3/s3_limits.h"
#include "exporter/s3/s3_url.h"

/*
 * s3 - a client of one bucket of an S3 server: read a key, write one under a condition,
 * write and delete many in parallel, list.
 *
 *	s3_url_parse(&place, "s3://photos/harbour", err);	(s3_url.h)
 *	s3_open(&s3, &place, &(struct s3_settings){0}, err);
 *	s3_get(s3, ".albumen/publication.json", 4096, &answer, err);
 *	s3_put_if(s3, &object, answer.etag, &answer, err);
 *	for each key:
 *		s3_put(s3, &object, err);	(returns before it has been written)
 *	s3_drain(s3, err);			(now all are written)
 *	s3_close(s3);
 *
 * Keys are relative to the prefix of the place, in what is given and in what is returned:
 * `snapshot.json` is the key `harbour/snapshot.json` of the bucket. A key is at most 1,024
 * bytes long with the prefix, as S3 has it; a longer one is ERR_INPUT before any request.
 *
 * A handle belongs to one thread. libcurl is loaded by the first s3_open of the process, so
 * that commands without a store do not pay for it.
 *
 * Failures. The message names method, s3://BUCKET/KEY, endpoint, what the server said, and
 * what mends it. Every function that sends something can return
 *
 *	ERR_DENIED	401 or 403 (and the two errors by which AWS says 400 of a token): a wrong
 *			or expired key, a right that is missing, a clock that is wrong
 *	ERR_UNREACHABLE	after all tries: no connection, a broken one, a time-out, 5xx, 429
 *	ERR_FULL	the quota of the bucket or its owner is used up
 *	ERR_LOCKED	the deadline of s3_set_deadline has passed
 *	ERR_FAIL	anything else: no such bucket, another region, a certificate that does
 *			not hold, an answer that no S3 server gives
 *
 * and what the tick returned. A request that is cut, or that a process was killed over, may be
 * carried out all the same, and later than what is sent next: a server that has received it does
 * not notice. (radosgw was seen to apply a PUT that was cut after it had answered the next PUT of
 * that key.) So what is sent after a cut must wait, or be the same.
 *
 * A try is repeated up to S3_TRIES times in all, with growing,
 * random pauses (at most 5 s; longer, up to 20 s, if the answer's Retry-After asks for it).
 * A connection that takes longer than 10 s, or over which nearly nothing (100 bytes a second)
 * has come or gone for 20 s, counts as broken.
 */

struct s3;

/*
 * Finds endpoint, region and credentials (s3_config.h), and loads libcurl. Sends nothing. ERR_USAGE: an
 * option or a variable has a value that it cannot have. ERR_FAIL: no credentials, a profile
 * that does not exist, no libcurl.
 */
int s3_open(struct s3 **out, const struct s3_place *place,
	    const struct s3_settings *settings, struct err *err);
/* Cuts what is in flight. NULL is allowed. */
void s3_close(struct s3 *s3);

/*
 * Reads a whole key. ERR_NOTFOUND: the server says that there is no such key (no other 404
 * does); `date_s` is then set. ERR_LARGE: the body has more than `max` bytes.
 */
int s3_get(struct s3 *s3, const char *key, size_t max, struct s3_answer *answer,
	   struct err *err);

/* What is written. It is stored with `Cache-Control: no-cache`. */
struct s3_object {
	const char *key;
	const char *type; /* Content-Type */
	const void *body; /* NULL: the first `len` bytes of the file `fd` */
	uint64_t len;
	int fd; /* open for reading; its offset is not used */
};

/*
 * Writes a key only if it is as the caller has seen it: it has this ETag, or does not exist
 * (`etag` is NULL). Waits for the answer; what s3_put has begun goes on meanwhile.
 *
 *	0		it is written, by this call; answer->etag is the new one
 *	ERR_CHANGED	the condition did not hold, and nothing was written (or, after a failure,
			it was, and another has overwritten it since); answer->status is 0
 *	ERR_REFUSED	the server knows no conditions (501), or none that holds
 *
 * A failure by which it remains unknown whether it was written (5xx, 409, a broken
 * connection) does not get out: the key is read back. If it holds the new body, that counts
 * as written; so a body should differ from what others write there, if that matters. If it
 * holds the old one, it is written once more, under the same condition. ERR_UNREACHABLE means
 * that it stayed unknown after all tries: the write may still happen.
 *
 * The body is in memory. `etag` may be that of the answer.
 */
int s3_put_if(struct s3 *s3, const struct s3_object *object, const char *etag,
	      struct s3_answer *answer, struct err *err);

/*
 * Asks the server to prove that it honours conditions: writes `key`, asks for it to be written
 * again if it is absent, then if it has an ETag that it has not; both must be refused (412).
 * ERR_REFUSED: the server takes no notice of one of them, or knows none. The key stays, with
 * a fixed body, so that several publishers may ask at once.
 */
int s3_probe(struct s3 *s3, const char *key, struct err *err);

/*
 * Writes a key, whatever it holds. Returns once the request is under way and the body copied:
 * the caller may free it, and does not know yet whether it was written. It waits while
 * S3_PARALLEL requests or S3_COPIED bytes are under way, for as long as that takes. A body
 * that is larger than S3_COPIED, or lies in a file, is not copied: it is sent when all before
 * it are done, and the call returns when it is written.
 *
 * Once one has failed, every call fails with that until s3_drain, and sends nothing. Of two for
 * one key without an s3_drain between them, either may be the last.
 */
int s3_put(struct s3 *s3, const struct s3_object *object, struct err *err);
/* Deletes a key in the same way; that it does not exist is no failure. */
int s3_delete(struct s3 *s3, const char *key, struct err *err);

/* A barrier: waits for all that s3_put and s3_delete have begun, and returns the first failure
 * of any since the last s3_drain. After a failure, what is in flight is waited for but not
 * tried again. */
int s3_drain(struct s3 *s3, struct err *err);

/* The etag is without quotes. All are borrowed for the call. A result other than 0 ends
 * s3_list with it. */
typedef int s3_list_fn(const char *key, const char *etag, uint64_t size, void *payload,
		       struct err *err);
/* Calls `each` for every key that begins with `prefix` (relative, as keys are; "": all of the
 * place), in the order of their bytes. One request for each 1,000 keys. `each` may call s3_put
 * and s3_delete. */
int s3_list(struct s3 *s3, const char *prefix, s3_list_fn *each, void *payload,
	    struct err *err);

/*
 * Called before a request is sent, and at least once a second while one is waited for; never
 * from within itself. It may call s3_get and s3_put_if, which then overtake what is in flight:
 * to renew a lease. If it returns other than 0, everything in flight is cut, and the call that
 * was waiting returns that.
 */
typedef int s3_tick_fn(void *payload, struct err *err);
void s3_set_tick(struct s3 *s3, s3_tick_fn *tick, void *payload);

/* No request starts or goes on after this instant, in milliseconds of clock_boot_ms (clock.h);
 * what is in flight then is cut, and fails with ERR_LOCKED. The default, INT64_MAX, is never. */
void s3_set_deadline(struct s3 *s3, int64_t boottime_ms);

#endif
