/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_BATCH_H
#define INDEXER_BATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "data/base/buf.h"
#include "data/index/claim.h"
#include "data/format/record.h"

/*
 * batch - what the reading of files came to, as a list of steps for the writer.
 *
 * It is what lies between the two halves of taking files in: ingest fills one
 * without touching the index, writer carries it out without touching a file. It
 * holds everything that it names, so the halves run on different threads.
 * The steps of one file stand in the order BEGIN, (CLAIM | REJECT | REFUSE)*, END or DROP,
 * and may go over several batches; FORGET stands alone.
 */
enum batch_kind {
	BATCH_BEGIN,  /* text: the path; mode */
	BATCH_CLAIM,  /* record, whose spans count in text */
	BATCH_REJECT, /* line, column; text: the reason */
	BATCH_REFUSE, /* likewise, for a record that holds a secret */
	BATCH_END,    /* file */
	BATCH_DROP,   /* the file changed while it was read */
	BATCH_FORGET, /* text: the path of a file that is gone */
};

struct batch_step {
	enum batch_kind kind;
	enum claim_mode mode;
	size_t text; /* offset in batch.text */
	size_t len;
	size_t record; /* index in batch.record */
	size_t line, column;
};

struct batch {
	struct batch_step *step;
	size_t count, cap;
	struct record *record;
	size_t *record_text; /* for each: where its canonical text is, in text */
	size_t records, records_cap;
	struct claim_file *file; /* one per END, in their order */
	size_t files, files_cap;
	struct buf text;
	/* What batch_prepare did: of the first `prepared` records. */
	struct claim_text *prepared_text;
	size_t prepared, prepared_cap;
	struct buf packed;
};

/* A mark to go back to. */
struct batch_mark {
	size_t count, records, files, text;
};

void batch_begin(struct batch *batch, const char *path, size_t len, enum claim_mode mode);
/* `text` is the offset of the record's canonical text in batch->text. */
void batch_claim(struct batch *batch, const struct record *record, size_t text);
void batch_reject(struct batch *batch, size_t line, size_t column, const char *reason);
void batch_refuse(struct batch *batch, size_t line, size_t column, const char *reason);
void batch_end(struct batch *batch, const struct claim_file *file);
void batch_drop(struct batch *batch);
void batch_forget(struct batch *batch, const char *path, size_t len);

/* Does what can be done of the next `most` claims without the index
 * (claim_prepare). The batch must be complete. */
void batch_prepare(struct batch *batch, struct claim_packer *packer, size_t most);

struct batch_mark batch_mark(const struct batch *batch);
void batch_rewind(struct batch *batch, struct batch_mark mark);

/* True once it holds so much that it should be carried out. */
bool batch_is_full(const struct batch *batch);
void batch_clear(struct batch *batch);
void batch_release(struct batch *batch);

#endif
