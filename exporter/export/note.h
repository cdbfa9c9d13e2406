/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EXPORT_NOTE_H
#define EXPORTER_EXPORT_NOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/err.h"
#include "exporter/git/snapshot.h"

/*
 * note - a file in the repository's folder, REPO/albumen-exporter.note, in which an
 * export leaves two facts for the next one that history cannot hold: where main was
 * when this exporter last moved or saw it, and up to where an index was exported when
 * that made no snapshot.
 *
 * It may be lost, or be older than the repository, at no harm: then less is noticed,
 * or everything is rendered once more. So it is not synced. Its last line is a
 * checksum: a note of which a power loss left a part counts as lost.
 *
 *	note_read(&note, repo);
 *	rc = note_check(&note, repo, &head, err);
 *	...
 *	note.made = head.commit;
 *	note_write(&note, repo);
 */

#define NOTE_FILE "albumen-exporter.note"

/* An export that ended with the tree that the snapshot `commit` has. */
struct note_export {
	struct snapshot_id commit; /* "": there is none */
	char index[37];            /* uuid */
	uint64_t epoch, sequence;  /* data/index/index.h */
	struct snapshot_id redact; /* note_redaction */
};

struct note {
	struct snapshot_id made; /* where main was; "": not known */
	struct note_export ended;
};

/* Reads the note. Where it is absent, all is zero; likewise where it is damaged or
 * cannot be read, with a warning. */
void note_read(struct note *out, const struct snapshot_repo *repo);
/* Replaces it. A failure is a warning. */
void note_write(const struct note *note, const struct snapshot_repo *repo);

/* Trailers that say what is left out (redact_trailers), as a hash. */
struct snapshot_id note_redaction(const char *trailers, size_t len);

/*
 * Compares main with the note: 0 where main is at note->made, or ahead of it by
 * snapshots alone; with no note, where its tip is a snapshot or there is no main.
 * `head` is what snapshot_head read, all zero where it found nothing. ERR_REFUSED:
 * main is missing, was set back or rewritten, or its tip is no snapshot; the message
 * says which of them.
 */
int note_check(const struct note *note, struct snapshot_repo *repo,
	       const struct snapshot_info *head, struct err *err);

#endif
