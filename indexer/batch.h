/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_BATCH_H
#define INDEXER_BATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "data/base/buf.h"
#include "data/format/record.h"
#include "data/index/claim.h"

/*
 * batch - the result of reading files, as a list of steps for the writer.
 *
 * ingest fills a batch and never uses the index; writer carries it out and never reads
 * a file. A batch owns everything that its steps name, so the two can run on different
 * threads. The steps of one file are BEGIN, any number of CLAIM, REJECT and
 * REJECT_SECRET, then END or DROP; they may span several batches. WITHDRAW stands alone.
 */
enum batch_kind {
	BATCH_BEGIN,         /* text: the path; mode */
	BATCH_CLAIM,         /* index: of the record */
	BATCH_REJECT,        /* line, column; text: the reason */
	BATCH_REJECT_SECRET, /* likewise, for a record that contains a secret */
	BATCH_END,           /* index: of the file */
	BATCH_DROP,          /* the file changed while it was read */
	BATCH_WITHDRAW,      /* text: the path of a file that is gone */
};

struct batch_step {
	enum batch_kind kind;
	enum claim_mode mode;
	size_t text; /* offset in batch.text */
	size_t len;
	size_t index;
	size_t line, column;
};

struct batch_record {
	struct record record;
	size_t text;                /* offset of its canonical text in batch.text */
	struct claim_text prepared; /* for the first batch.prepared records */
};

struct batch {
	struct batch_step *step;
	size_t count, cap;
	struct batch_record *record;
	size_t records, records_cap;
	struct claim_ids *ids; /* of each record */
	size_t ids_cap;
	struct claim_file *file;
	size_t files, files_cap;
	struct buf text;
	size_t prepared;
	struct buf packed; /* what `prepared` points into */
};

/* A position to go back to. */
struct batch_mark {
	size_t count, records, files, text;
};

void batch_begin(struct batch *batch, const char *path, size_t len, enum claim_mode mode);
/* `text` is the offset of the record's canonical text in batch->text. */
void batch_claim(struct batch *batch, const struct record *record, size_t text);
/* `secret`: the record contains a secret, and is otherwise good. */
void batch_reject(struct batch *batch, size_t line, size_t column, const char *reason,
		  bool secret);
void batch_end(struct batch *batch, const struct claim_file *file);
void batch_drop(struct batch *batch);
void batch_withdraw(struct batch *batch, const char *path, size_t len);

/* Prepares the next `most` claims (claim_prepare), which needs no transaction. Nothing
 * may be added to the batch afterwards. */
void batch_prepare(struct batch *batch, struct claim_packer *packer, size_t most);

struct batch_mark batch_mark(const struct batch *batch);
void batch_rewind(struct batch *batch, struct batch_mark mark);

/* True once the batch is so large that it should be carried out. */
bool batch_is_full(const struct batch *batch);
void batch_clear(struct batch *batch);
void batch_release(struct batch *batch);

#endif
