/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SNAPSHOT_MESSAGE_H
#define EXPORTER_SNAPSHOT_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "data/index/index.h"
#include "exporter/git/snapshot_edit.h"

/*
 * message - the message of a snapshot's commit: a subject for people, and trailers for
 * machines (albumen(7)), which commit_trailer reads.
 */

#define MESSAGE_INDEX "Albumen-Index"       /* uuid of the index */
#define MESSAGE_SEQUENCE "Albumen-Sequence" /* the change feed was exported up to it */
#define MESSAGE_EPOCH "Albumen-Epoch" /* of that sequence (index_epoch), 16 hex digits */
#define MESSAGE_NUMBER "Albumen-Snapshot" /* 1 for the first, and so on */
/* How many records the snapshot holds; of tag images, live ones. */
#define MESSAGE_IMAGES "Albumen-Images"
#define MESSAGE_UNTAGGED "Albumen-Untagged"
#define MESSAGE_ALBUMS "Albumen-Albums"
#define MESSAGE_TAGS "Albumen-Tags"
#define MESSAGE_TAG_IMAGES "Albumen-Tag-Images"
/* How many metadata files the index knew, and rejects in them. */
#define MESSAGE_FILES "Albumen-Files"
#define MESSAGE_REJECTS "Albumen-Rejects"
/* How often the event queue overflowed, and the whole folder was walked: since the
 * parent (if it is of the same index), and ever. */
#define MESSAGE_OVERFLOWS "Albumen-Overflows"
#define MESSAGE_RESCANS "Albumen-Rescans"
#define MESSAGE_OVERFLOWS_EVER "Albumen-Overflows-Ever"
#define MESSAGE_RESCANS_EVER "Albumen-Rescans-Ever"
/* "no" if events were lost and the folder has not been walked since, else "yes". */
#define MESSAGE_IN_STEP "Albumen-In-Step"

/* "yes" if the index was restored from a copy: its sequence is less than the parent's, of
 * the same epoch. Absent otherwise. */
#define MESSAGE_RESTORED "Albumen-Restored"
/* What the library is called, if somebody said so (message_name). */
#define MESSAGE_NAME "Albumen-Name"
#define MESSAGE_NAME_MAX 200 /* bytes */
/* What `--accept` was needed for (accept.h); one trailer each. */
#define MESSAGE_ACCEPTED "Albumen-Accepted"
/* By how many seconds the clock was behind the parent's time. Absent otherwise. */
#define MESSAGE_CLOCK_BEHIND "Albumen-Clock-Behind"

/* The id that the snapshot had before `erase` wrote it anew. Absent otherwise. */
#define MESSAGE_WAS "Albumen-Was"

struct message {
	const struct snapshot_delta *delta;
	const char *index; /* uuid */
	uint64_t epoch, sequence;
	const struct index_counts *counts;
	const struct index_health *health;
	const struct snapshot_info *parent; /* zeroed for the first snapshot */
	uint64_t number;                    /* message_number */
	int64_t clock_behind;               /* seconds, or 0 */
	const char *name;                   /* NULL: the library has none */
};

/* The subject, for people: "12 files added, 3 changed". */
void message_subject(struct buf *out, const struct snapshot_delta *delta);
/* Reads what a message's subject says. False: it is another one. */
bool message_subject_read(struct snapshot_delta *delta, const char *message);

/* Appends the message. */
void message_write(struct buf *out, const struct message *message);

/* The number of the snapshot that comes after `parent`, whose `message` may be NULL if
 * the caller has not read it. */
int message_number(uint64_t *number, struct snapshot_repo *repo,
		   const struct snapshot_info *parent, struct err *err);

/* Reads which index the snapshot is of, and up to where it was exported. False: the
 * message does not say. */
bool message_exported(const char *message, char index[INDEX_UUID], uint64_t *epoch,
		      uint64_t *sequence);

/* What is wrong with a text as the name of a library, such as "is empty"; NULL: nothing. It is
 * one line of plain text (data/base/plain.h) of at most MESSAGE_NAME_MAX bytes. */
const char *message_name_fault(const char *name);
/* Reads the name into *name. ERR_NOTFOUND (no message): there is none. ERR_INPUT: this
 * program would not write it so. `message` may be NULL. */
int message_name(struct buf *name, const char *message, struct err *err);

/* A trailer that is a number of up to 18 digits; `missing` if there is none. */
uint64_t message_count(const char *message, const char *trailer, uint64_t missing);

#endif
