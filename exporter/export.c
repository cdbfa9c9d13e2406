/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/export.h"

#include <inttypes.h>
#include <string.h>

#include "data/base/buf.h"
#include "data/base/clock.h"
#include "data/base/log.h"
#include "data/query.h"
#include "exporter/lookback/when.h"
#include "exporter/message.h"
#include "exporter/response.h"

/*
 * How a snapshot of one instant is made without one long transaction.
 *
 * The change feed has one entry a response, ordered by last change, so reading
 * it from sequence S gives each response that changed since S, once. A long read
 * transaction would keep LMDB from reusing pages, so the feed is read in slices,
 * each in a transaction of its own. A response that changes after it was
 * rendered has moved to the end of the feed and is met again. When a slice
 * reaches the end, every response has been rendered as it is in that slice's
 * transaction: the snapshot is of that instant, and its sequence goes into the
 * commit. The last word on a path wins (snapshot.h).
 *
 * A full export is the same from sequence 0 onto an empty tree: every response
 * that exists has an entry, so what no longer exists is not in the tree.
 */

/* One slice ends after this many responses, or this long. */
#define SLICE_RESPONSES 4096
#define SLICE_MS 500

struct export
{
	const struct export_job *job;
	struct export_result *result;
	struct snapshot_edit *edit;
	char index[37]; /* its uuid */
	uint64_t done;  /* sequence up to which the feed is rendered */
	struct index_counts counts;
	struct index_health health;
	struct log_progress progress;
	struct buf name, path, body, redacted; /* name: "xx/yy/N" */
};

void export_result_release(struct export_result *result)
{
	snapshot_info_release(&result->info);
	*result = (struct export_result){0};
}

/* The sequence that the last snapshot has of this index; 0 where it is none of
 * this index, or lies outside what the feed can tell. */
static uint64_t exported_sequence(const struct snapshot_info *head, const char *uuid,
				  uint64_t sequence, uint64_t floor)
{
	struct buf value = {0};
	uint64_t exported = 0;

	if (head->message &&
	    snapshot_trailer(head->message, MESSAGE_INDEX, &value) == 0 &&
	    strcmp(value.data, uuid) == 0) {
		exported = message_count(head->message, MESSAGE_SEQUENCE, 0);
	}
	buf_release(&value);
	return exported > sequence || exported < floor ? 0 : exported;
}

/* Renders one file of the snapshot. */
static int render_row(struct export *ex, struct index_txn *txn,
		      const struct response *row, uint64_t number, struct err *err)
{
	struct query_key key = {.response = row->kind, .number = number};
	const struct buf *body = &ex->body;
	int rc;

	buf_clear(&ex->path);
	buf_clear(&ex->body);
	buf_addstr(&ex->path, row->prefix);
	buf_add(&ex->path, ex->name.data, ex->name.len);
	buf_addstr(&ex->path, row->suffix);
	rc = query_body(txn, &key, &ex->body, err);
	if (rc == ERR_NOTFOUND) {
		snapshot_remove(ex->edit, ex->path.data);
		return 0;
	}
	if (!rc && ex->job->redact) {
		buf_clear(&ex->redacted);
		redact_body(ex->job->redact, &ex->redacted, row->kind, ex->body.data,
			    ex->body.len);
		body = &ex->redacted;
	}
	return rc ? rc
		  : snapshot_put(ex->edit, ex->path.data, body->data, body->len, err);
}

/* Renders one entry of the feed. */
static int render(struct export *ex, struct index_txn *txn, const struct query_key *key,
		  struct err *err)
{
	struct record_id id;
	int rc = query_id(txn, key->number, &id, err);

	if (!rc) {
		buf_clear(&ex->name);
		response_sharded(&ex->name, id.bytes, id.len);
	}
	for (size_t i = 0; !rc && i < response_count; i++) {
		if (response_table[i].fed_by == key->response) {
			rc = render_row(ex, txn, &response_table[i], key->number, err);
		}
	}
	return rc;
}

/* Renders up to a slice's worth. *end: the feed was read to its end, and
 * ex->done, counts and health are of this instant. */
static int render_slice(struct export *ex, bool *end, struct err *err)
{
	struct index_txn *txn = NULL;
	int64_t until = clock_now_ms() + SLICE_MS;
	int rc = index_begin(&txn, ex->job->index, false, err);

	*end = false;
	for (int n = 0; rc == 0 && n < SLICE_RESPONSES && clock_now_ms() < until; n++) {
		struct query_key key;

		rc = query_feed(txn, ex->done, &key, err);
		if (rc == ERR_NOTFOUND) {
			*end = true;
			rc = 0;
			ex->done = index_sequence(txn);
			index_counts(txn, &ex->counts);
			index_health(txn, &ex->health);
			break;
		}
		if (!rc) {
			rc = render(ex, txn, &key, err);
		}
		if (!rc) {
			ex->done = key.sequence;
			ex->result->rendered++;
			log_progress_step(&ex->progress, 1);
		}
	}
	index_abort(&txn);
	if (!rc && ex->job->stop) {
		rc = stop_check(ex->job->stop, err);
	}
	return rc;
}

static int write_message(struct export *ex, struct buf *out, struct err *err)
{
	struct message message = {.delta = &ex->result->delta,
				  .index = ex->index,
				  .sequence = ex->done,
				  .counts = &ex->counts,
				  .health = &ex->health,
				  .parent = &ex->result->info};
	int rc = message_number(&message.number, ex->job->repo, message.parent, err);

	if (!rc) {
		message_write(out, &message);
		redact_trailers(out, ex->job->redact);
	}
	return rc;
}

static int commit(struct export *ex, struct err *err)
{
	struct snapshot_id tree;
	struct buf message = {0};
	int64_t time_s;
	bool same;
	int rc = snapshot_edit_build(ex->edit, &tree, &same, &ex->result->delta, err);

	if (!rc && same) {
		return 0;
	}
	if (!rc) {
		rc = when_now(&time_s, err);
	}
	if (!rc) {
		rc = write_message(ex, &message, err);
	}
	if (!rc) {
		snapshot_info_release(&ex->result->info);
		rc = snapshot_edit_commit(&ex->edit, message.data, time_s,
					  &ex->result->info, err);
		ex->result->made = !rc;
	}
	buf_release(&message);
	return rc;
}

/* Where the export starts, and whether there is anything to do. */
static int plan(struct export *ex, bool *nothing, struct err *err)
{
	struct snapshot_info *head = &ex->result->info;
	struct index_txn *txn = NULL;
	uint64_t total;
	bool has_head;
	int rc = snapshot_head(ex->job->repo, head, err);

	if (rc && rc != ERR_NOTFOUND) {
		return rc;
	}
	has_head = rc == 0;
	rc = index_begin(&txn, ex->job->index, false, err);
	if (rc) {
		return rc;
	}
	if (!index_is_built(txn)) {
		index_abort(&txn);
		return err_set(
			err, ERR_LOCKED,
			"index '%s' is being filled for the first time; export when "
			"its first scan has ended",
			index_dir(ex->job->index));
	}
	memcpy(ex->index, index_uuid(txn), sizeof(ex->index));
	ex->done = exported_sequence(head, ex->index, index_sequence(txn),
				     index_feed_floor(txn));
	if (has_head && !redact_is_said(ex->job->redact, head->message)) {
		ex->done = 0; /* other members were left out: all are made anew */
	}
	*nothing = has_head && ex->done && ex->done == index_sequence(txn);
	ex->result->full = !ex->done;
	if (ex->result->full) {
		query_read_ahead(txn);
	}
	total = query_feed_count(txn, ex->done, UINT64_MAX);
	index_abort(&txn);
	log_progress_start(&ex->progress, "exporting", total);
	return 0;
}

int export_run(const struct export_job *job, struct export_result *result,
	       struct err *err)
{
	struct export ex = {.job = job, .result = result};
	bool nothing = false, end = false;
	int rc;

	*result = (struct export_result){0};
	rc = plan(&ex, &nothing, err);
	if (!rc && !nothing) {
		rc = snapshot_edit_begin(&ex.edit, job->repo, result->full, err);
		if (!rc && job->sign) {
			snapshot_edit_sign(ex.edit, job->sign);
		}
		while (!rc && !end) {
			rc = render_slice(&ex, &end, err);
		}
		log_progress_end(&ex.progress);
		log_debug("rendered %" PRIu64 " responses, up to sequence %" PRIu64,
			  result->rendered, ex.done);
		if (!rc) {
			rc = commit(&ex, err);
		}
		snapshot_edit_drop(&ex.edit);
	}
	if (!rc && job->site && *result->info.commit.hex) {
		rc = site_publish(job->site, job->repo, &result->info, job->site_flags,
				  &result->site, err);
	}
	buf_release(&ex.name);
	buf_release(&ex.path);
	buf_release(&ex.body);
	buf_release(&ex.redacted);
	return rc;
}
