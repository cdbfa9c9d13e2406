/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/batch.h"

#include <stdlib.h>
#include <string.h>

/* Large enough that handing it over costs nothing, small enough for the cache. */
#define FULL_TEXT (1u << 20)
#define FULL_STEPS 1024

static struct batch_step *add(struct batch *batch, enum batch_kind kind)
{
	struct batch_step *step;

	batch->step = xgrow(batch->step, batch->count, &batch->cap, sizeof(*batch->step));
	step = &batch->step[batch->count++];
	*step = (struct batch_step){.kind = kind};
	return step;
}

static struct batch_step *add_text(struct batch *batch, enum batch_kind kind,
				   const char *text, size_t len)
{
	struct batch_step *step = add(batch, kind);

	step->text = batch->text.len;
	step->len = len;
	buf_add(&batch->text, text, len);
	buf_addch(&batch->text, '\0');
	return step;
}

void batch_begin(struct batch *batch, const char *path, size_t len, enum claim_mode mode)
{
	add_text(batch, BATCH_BEGIN, path, len)->mode = mode;
}

void batch_claim(struct batch *batch, const struct record *record, size_t text)
{
	struct batch_record *next;

	add(batch, BATCH_CLAIM)->index = batch->records;
	batch->record = xgrow(batch->record, batch->records, &batch->records_cap,
			      sizeof(*batch->record));
	batch->ids =
		xgrow(batch->ids, batch->records, &batch->ids_cap, sizeof(*batch->ids));
	claim_hash(&batch->ids[batch->records], record);
	next = &batch->record[batch->records++];
	record_copy(&next->record, record);
	next->text = text;
}

void batch_reject(struct batch *batch, size_t line, size_t column, const char *reason,
		  bool secret)
{
	struct batch_step *step =
		add_text(batch, secret ? BATCH_REJECT_SECRET : BATCH_REJECT, reason,
			 strlen(reason));

	step->line = line;
	step->column = column;
}

void batch_end(struct batch *batch, const struct claim_file *file)
{
	add(batch, BATCH_END)->index = batch->files;
	batch->file =
		xgrow(batch->file, batch->files, &batch->files_cap, sizeof(*batch->file));
	batch->file[batch->files++] = *file;
}

void batch_drop(struct batch *batch)
{
	add(batch, BATCH_DROP);
}

void batch_withdraw(struct batch *batch, const char *path, size_t len)
{
	add_text(batch, BATCH_WITHDRAW, path, len);
}

void batch_prepare(struct batch *batch, struct claim_packer *packer, size_t most)
{
	for (; batch->prepared < batch->records && most; most--) {
		struct batch_record *next = &batch->record[batch->prepared++];

		claim_prepare(packer, &next->prepared, &batch->packed, &next->record,
			      batch->text.data + next->text);
	}
}

struct batch_mark batch_mark(const struct batch *batch)
{
	return (struct batch_mark){
		.count = batch->count,
		.records = batch->records,
		.files = batch->files,
		.text = batch->text.len,
	};
}

void batch_rewind(struct batch *batch, struct batch_mark mark)
{
	batch->count = mark.count;
	batch->records = mark.records;
	batch->files = mark.files;
	buf_setlen(&batch->text, mark.text);
}

bool batch_is_full(const struct batch *batch)
{
	return batch->text.len >= FULL_TEXT || batch->count >= FULL_STEPS;
}

void batch_clear(struct batch *batch)
{
	batch->count = batch->records = batch->files = batch->prepared = 0;
	buf_clear(&batch->packed);
	if (batch->text.cap > 8 * (size_t)FULL_TEXT) {
		buf_release(&batch->text);
	}
	buf_clear(&batch->text);
}

void batch_release(struct batch *batch)
{
	free(batch->step);
	free(batch->record);
	free(batch->ids);
	free(batch->file);
	buf_release(&batch->packed);
	buf_release(&batch->text);
	*batch = (struct batch){0};
}
