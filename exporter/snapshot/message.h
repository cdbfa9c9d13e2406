/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SNAPSHOT_MESSAGE_H
#define EXPORTER_SNAPSHOT_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "data/index/index.h"
#include "exporter/git/snapshot.h"

/*
 * message - what a snapshot's commit says: a subject for people, and trailers for
 * machines (CONTRACT.md, section 5). Read them back with snapshot_trailer.
 */

#define MESSAGE_INDEX "Albumen-Index"       /* uuid of the index */
#define MESSAGE_SEQUENCE "Albumen-Sequence" /* of its change feed */
#define MESSAGE_EPOCH "Albumen-Epoch"       /* index_epoch of that, 16 hex digits */
#define MESSAGE_NUMBER "Albumen-Snapshot"   /* 1 for the first, and so on */
/* What the snapshot holds; of tag images, the live ones. */
#define MESSAGE_IMAGES "Albumen-Images"
#define MESSAGE_UNTAGGED "Albumen-Untagged"
#define MESSAGE_ALBUMS "Albumen-Albums"
#define MESSAGE_TAGS "Albumen-Tags"
#define MESSAGE_TAG_IMAGES "Albumen-Tag-Images"
/* Metadata files that the index knew, and rejects in them. */
#define MESSAGE_FILES "Albumen-Files"
#define MESSAGE_REJECTS "Albumen-Rejects"
/* Times that the event queue overflowed, and walks of the whole folder: since the
 * snapshot before (of the same index), and ever. */
#define MESSAGE_OVERFLOWS "Albumen-Overflows"
#define MESSAGE_RESCANS "Albumen-Rescans"
#define MESSAGE_OVERFLOWS_EVER "Albumen-Overflows-Ever"
#define MESSAGE_RESCANS_EVER "Albumen-Rescans-Ever"
/* "no": events were lost, and the folder has not been walked since; else "yes". */
#define MESSAGE_IN_STEP "Albumen-In-Step"

/* "yes": the index was restored from a copy, and its sequence is less than that of the
 * snapshot before, of the same epoch. Absent otherwise. */
#define MESSAGE_RESTORED "Albumen-Restored"
/* What `--accept` was needed for (accept.h), a trailer each. */
#define MESSAGE_ACCEPTED "Albumen-Accepted"
/* Seconds by which the clock was behind the snapshot before; absent where it was not. */
#define MESSAGE_CLOCK_BEHIND "Albumen-Clock-Behind"

struct message {
	const struct snapshot_delta *delta;
	const char *index; /* uuid */
	uint64_t epoch, sequence;
	const struct index_counts *counts;
	const struct index_health *health;
	/* The snapshot before, its `message` NULL where there is none. */
	const struct snapshot_info *parent;
	uint64_t number;      /* message_number */
	int64_t clock_behind; /* 0: it is not */
};

/* Appends the message. */
void message_write(struct buf *out, const struct message *message);

/* The number of the snapshot that comes after `parent`, whose `message` may be NULL
 * where the caller has not read it. */
int message_number(uint64_t *number, struct snapshot_repo *repo,
		   const struct snapshot_info *parent, struct err *err);

/* Up to where the snapshot's index was exported. False: the message does not say. */
bool message_exported(const char *message, char index[37], uint64_t *epoch,
		      uint64_t *sequence);

/* A trailer that is a number of up to 18 digits; `missing` where there is none. */
uint64_t message_count(const char *message, const char *trailer, uint64_t missing);

#endif
