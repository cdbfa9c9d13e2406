/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EVIDENCE_DECLARED_H
#define EXPORTER_EVIDENCE_DECLARED_H

#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "exporter/git/pack/object.h"
#include "exporter/snapshot/message.h"

/*
 * declared - what the labels declare that `prune`, `bundle --from` and `erase` make: that a
 * history begins late, or that a part of it was written anew. It stands in trailers at the
 * beginning of the last paragraph of the label's message, in this order, and those of every
 * label follow (label.h).
 *
 *	Albumen-Pruned-Before: 2024-01-01T00:00:00Z   what WHEN meant
 *	Albumen-First: NUMBER COMMIT                  the first snapshot of main; the tag is on it
 *	Albumen-Held: NUMBER COMMIT                   each older one that is kept for a label
 *
 *	Albumen-Erased-From: NUMBER                   the first snapshot that was written anew
 *	Albumen-Erased-Old: COMMIT                    main's tip before
 *	Albumen-Erased-New: COMMIT                    and after; the tag is on it. The same: only
 *	                                              held snapshots were written anew
 *	Albumen-Erased-Snapshots: N
 *	Albumen-Erased-Answers: N
 *	Albumen-Erased-Held: NUMBER COMMIT            each held snapshot that was written anew
 */

#define DECLARED_PRUNED "pruned/" /* these begin the labels' names */
#define DECLARED_ERASED "erased/"
/* The last trailer of a commit or label that was written anew: the id that it had. */
#define DECLARED_WAS MESSAGE_WAS

struct declared_snapshot {
	uint64_t number;
	uint8_t id[OBJECT_ID];
};
/* Sorted by number, each once. */
struct declared_list {
	struct declared_snapshot *at;
	size_t count, cap;
};
void declared_list_add(struct declared_list *list, uint64_t number,
		       const uint8_t id[OBJECT_ID]);

/* Zeroed ones are ready for use. */
struct declared_pruned {
	int64_t before_s; /* Unix seconds */
	struct declared_snapshot first;
	struct declared_list held;
};
struct declared_erased {
	uint64_t from;
	uint8_t old_tip[OBJECT_ID], new_tip[OBJECT_ID];
	uint64_t snapshots, answers;
	struct declared_list held;
};

/* Appends the trailers. */
void declared_pruned_write(struct buf *out, const struct declared_pruned *pruned);
void declared_erased_write(struct buf *out, const struct declared_erased *erased);

/* Reads them from a label's message, which has no signature behind it (sign_split). Returns
 * NULL, or a static string that says what is wrong. What was read is released in any case. */
const char *declared_pruned_read(struct declared_pruned *out, const char *message);
const char *declared_erased_read(struct declared_erased *out, const char *message);
void declared_pruned_release(struct declared_pruned *pruned);
void declared_erased_release(struct declared_erased *erased);

/* What a message says that its commit or label was: ERR_NOTFOUND: nothing. ERR_INPUT: it is no
 * id, not the last trailer, or there are several. No error has a message. The message has no
 * signature behind it. */
int declared_was(uint8_t id[OBJECT_ID], const char *message);

#endif
