/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EXPORT_NOTE_H
#define EXPORTER_EXPORT_NOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/err.h"
#include "data/index/index.h"
#include "exporter/export/accept.h"
#include "exporter/git/snapshot.h"
#include "exporter/site/place.h"

/*
 * note - the file REPO/albumen-exporter.note. In it an export leaves two facts for the
 * next one that history cannot hold: where main was when this exporter last moved or saw
 * it, and up to where an index was exported when that made no snapshot.
 *
 * It may be lost, or be older than the repository: then less is noticed, or everything is
 * rendered once more. So it is not flushed. A power loss may leave a part of it, which the
 * checksum in its last line tells from a whole note.
 *
 *	rc = note_check(&note, &head, repo, accept, err);
 *	...
 *	note.made = head.commit;
 *	note_write(&note, repo);
 */

#define NOTE_FILE "albumen-exporter.note"

/* An export whose tree was that of the snapshot `commit`. */
struct note_export {
	struct snapshot_id commit;   /* "": there is none */
	char index[INDEX_UUID];      /* uuid */
	uint64_t epoch, sequence;    /* data/index/index.h */
	struct snapshot_id settings; /* note_settings */
};

struct note {
	struct snapshot_id made; /* where main was; "": not known */
	struct note_export ended;
};

/* Reads the note; all is zero if it does not exist, and also, with a warning, if it is
 * damaged or cannot be read. */
void note_read(struct note *out, const struct snapshot_repo *repo);
/* Replaces the note. A failure is logged as a warning. */
void note_write(const struct note *note, const struct snapshot_repo *repo);

/* A hash of what is left out (redact_rules), and of a name that the snapshot does not record. */
struct snapshot_id note_settings(const char *rules, size_t len);

/* Whether the feed of the index has all changes since `at`, of which only index, epoch and
 * sequence count. */
bool note_follows(const struct index_txn *txn, const struct note_export *at);

/*
 * Reads the note, and main's tip into *head, and compares them. 0: main is at note->made,
 * or ahead of it by snapshots only; or there is no note, and main's tip is a snapshot or
 * there is no main (then *head stays as it was, zeroed); or `accept` allows what was found.
 * ERR_REFUSED: main is missing, was set back or rewritten, or its tip is not a snapshot;
 * the message says which. The caller releases *head.
 */
int note_check(struct note *out, struct snapshot_info *head, struct snapshot_repo *repo,
	       struct accept *accept, struct err *err);

/* After note_check: the same, if the site shows that the note was set back together with
 * main (foreign_check_ahead). Nothing is checked if there is no note, as in a clone, or if
 * note_check found something that was accepted. */
int note_check_site(const struct note *note, struct place *site,
		    struct snapshot_repo *repo, struct accept *accept, struct err *err);

/*
 * Reads the last snapshot, after note_check. That is main's tip `head` or, if the tip is no
 * snapshot and that was accepted, the nearest one before it by first parents, or else
 * before where main was. *out is zeroed if there is none. The caller releases *out.
 */
int note_last(struct snapshot_info *out, const struct note *note,
	      const struct snapshot_info *head, struct snapshot_repo *repo,
	      struct err *err);

#endif
