/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/batch.h"

#include <stdlib.h>
#include <string.h>

/* Enough that going from one half to the other costs nothing, little enough that
 * it stays in the cache. */
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

static void add_text(struct batch *batch, struct batch_step *step, const char *text,
		     size_t len)
{
	step->text = batch->text.len;
	step->len = len;
	buf_add(&batch->text, text, len);
	buf_addch(&batch->text, '\0');
}

void batch_begin(struct batch *batch, const char *path, size_t len, enum claim_mode mode)
{
	struct batch_step *step = add(batch, BATCH_BEGIN);

	step->mode = mode;
	add_text(batch, step, path, len);
}

void batch_claim(struct batch *batch, const struct record *record, size_t text)
{
	struct batch_step *step = add(batch, BATCH_CLAIM);

	if (batch->records == batch->records_cap) {
		batch->records_cap = batch->records_cap ? 2 * batch->records_cap : 64;
		batch->record = xreallocarray(batch->record, batch->records_cap,
					      sizeof(*batch->record));
		batch->record_text = xreallocarray(batch->record_text, batch->records_cap,
						   sizeof(*batch->record_text));
	}
	step->text = text;
	step->record = batch->records;
	batch->record[batch->records] = *record;
	batch->record_text[batch->records++] = text;
}

static void add_reject(struct batch *batch, enum batch_kind kind, size_t line,
		       size_t column, const char *reason)
{
	struct batch_step *step = add(batch, kind);

	step->line = line;
	step->column = column;
	add_text(batch, step, reason, strlen(reason));
}

void batch_reject(struct batch *batch, size_t line, size_t column, const char *reason)
{
	add_reject(batch, BATCH_REJECT, line, column, reason);
}

void batch_refuse(struct batch *batch, size_t line, size_t column, const char *reason)
{
	add_reject(batch, BATCH_REFUSE, line, column, reason);
}

void batch_end(struct batch *batch, const struct claim_file *file)
{
	struct batch_step *step = add(batch, BATCH_END);

	batch->file =
		xgrow(batch->file, batch->files, &batch->files_cap, sizeof(*batch->file));
	step->record = batch->files;
	batch->file[batch->files++] = *file;
}

void batch_drop(struct batch *batch)
{
	add(batch, BATCH_DROP);
}

void batch_forget(struct batch *batch, const char *path, size_t len)
{
	add_text(batch, add(batch, BATCH_FORGET), path, len);
}

void batch_prepare(struct batch *batch, struct claim_packer *packer, size_t most)
{
	size_t end = batch->records - batch->prepared < most ? batch->records
							     : batch->prepared + most;

	if (batch->prepared_cap < batch->records) {
		batch->prepared_cap = batch->records_cap;
		batch->prepared_text =
			xreallocarray(batch->prepared_text, batch->prepared_cap,
				      sizeof(*batch->prepared_text));
	}
	for (; batch->prepared < end; batch->prepared++) {
		size_t n = batch->prepared;

		claim_prepare(packer, &batch->prepared_text[n], &batch->packed,
			      &batch->record[n],
			      batch->text.data + batch->record_text[n]);
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
	free(batch->record_text);
	free(batch->file);
	free(batch->prepared_text);
	buf_release(&batch->packed);
	buf_release(&batch->text);
	*batch = (struct batch){0};
}
