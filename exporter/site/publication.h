/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_PUBLICATION_H
#define EXPORTER_SITE_PUBLICATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "data/base/uuid.h"

/*
 * publication - the object .albumen/publication.json of a site in an object store. It is
 * to a store what the lock and the note `pending` are to a folder: who publishes there,
 * until when nobody else may, and which commits a publication has begun with and may not
 * have finished.
 *
 *	{"v":1,"holder":"5c0f...","expires":"2026-11-29T10:18:15Z","pending":["5b8d..."],
 *	 "conditional":true}
 *
 * It is replaced only if it is still as it was read (If-Match), so of two publishers one
 * wins. A publisher that dies leaves its lease, which ends by itself. A publisher that
 * lives renews it, and sends nothing after its end. No condition of the store could stop a
 * request that was sent before and arrives late: only time does. So another publisher
 * waits for longer than the lease.
 *
 * Times are those of the store, as its answers say them (Date): publishers' clocks may
 * differ. Seconds are Unix time.
 *
 * Nothing here sends a request: place_store.c does.
 */

#define PUBLICATION_LEASE_S 120
#define PUBLICATION_RENEW_S 40
/* How long after its end a lease may not be taken: a request that its holder sent before
 * may take 60 s, and the clock of a store of many servers may be 5 s off. */
#define PUBLICATION_SLACK_S 65

/* A larger object is none of ours. */
#define PUBLICATION_MAX ((size_t)64 << 10)

struct publication {
	char holder[UUID_LEN + 1]; /* "": nobody */
	/* When the lease ends; of the last one, if nobody has it: so what stands in the store is
	 * not what stood there before. */
	int64_t expires_s;
	/* The store was seen to refuse a PUT whose condition does not hold. */
	bool conditional;
	/* Lines, as in the note `pending` of a folder (pending.h); empty: none. */
	struct buf pending;
};

/* Reads the object, of a place that is called `name`. ERR_INPUT: it is not what we write.
 * ERR_FORMAT: a later version wrote it. */
int publication_read(struct publication *out, const char *text, size_t len,
		     const char *name, struct err *err);
/* For an object that cannot be read, last written at `modified_s`: whoever wrote it may
 * have had a lease from then on, and what the site's files are at is not known. */
void publication_unreadable(struct publication *out, int64_t modified_s);
void publication_write(struct buf *out, const struct publication *publication);
void publication_release(struct publication *publication);

enum publication_turn {
	PUBLICATION_FREE,    /* nobody has it */
	PUBLICATION_MINE,    /* a process of ours had it, and has ended */
	PUBLICATION_EXPIRED, /* somebody had it, for long enough to take it */
	PUBLICATION_LIVE,    /* somebody has it */
};

/* Whether the publisher `me` may publish at `now_s`. `modified_s`: when the object was
 * written (0: not known), from which on a lease is never longer than PUBLICATION_LEASE_S,
 * whatever it says. */
enum publication_turn publication_turn(const struct publication *publication,
				       const char *me, int64_t modified_s, int64_t now_s);
/* From when on anybody may take it. */
int64_t publication_free_s(const struct publication *publication, int64_t modified_s);

/* Takes it, or renews what was taken. */
void publication_take(struct publication *publication, const char *me, int64_t now_s);
/* Gives it back: nobody holds it. */
void publication_give_back(struct publication *publication);

/*
 * The clock of a store. It says a Date in whole seconds, somewhere between the sending of a
 * request and the arrival of its answer. Milliseconds are CLOCK_BOOTTIME, which goes on while
 * the machine sleeps.
 */
struct publication_clock {
	int64_t date_s;
	int64_t sent_ms;
};
/* The latest that it can be there now: a lease that begins then ends no earlier than ours. */
int64_t publication_clock_latest(const struct publication_clock *clock, int64_t now_ms);

#endif
