/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/export/export.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "data/base/brake.h"
#include "data/base/buf.h"
#include "data/base/clock.h"
#include "data/base/log.h"
#include "data/index/query.h"
#include "exporter/evidence/sign_edit.h"
#include "exporter/export/note.h"
#include "exporter/lookback/when.h"
#include "exporter/site/foreign.h"
#include "exporter/snapshot/message.h"
#include "exporter/snapshot/response.h"

/*
 * How to make a snapshot of one instant without one long transaction.
 *
 * The change feed has one entry for each response, sorted by last change. Read from
 * sequence S on, it gives each response that changed since S, once. A long read
 * transaction would keep LMDB from reusing pages, so the export reads the feed in slices,
 * each in a transaction of its own. A response that changes after it was rendered moves
 * to the end of the feed, and is rendered again; the last version of a path counts
 * (snapshot_edit.h). When a slice reaches the end of the feed, every response has been
 * rendered as it is in that slice's transaction: the snapshot is of that instant, and its
 * sequence goes into the commit.
 *
 * A full export starts at sequence 0 with an empty tree. Every response that exists has
 * an entry, so nothing else gets into the tree.
 *
 * Each transaction checks that it continues the one before it (may_go_on). If it does
 * not, the export drops what it rendered, and begins again with everything.
 */

/* A slice ends after this many responses, or after this time. */
#define SLICE_RESPONSES 4096
#define SLICE_MS 500
enum slice { SLICE_FULL, SLICE_END, SLICE_LOST };

/* After this many failed attempts everything is rendered in a single transaction: the
 * index grows meanwhile, but the export ends. */
#define ATTEMPTS_SLICED 3

struct export
{
	const struct export_job *job;
	struct export_result *result;
	struct snapshot_edit *edit;
	struct note note;
	struct note_export
		seen; /* the index as of the last transaction, and the settings */
	struct redact *before; /* what the last snapshot records as left out */
	struct buf library;    /* the library's name; empty: it has none */
	bool renamed;          /* the last snapshot does not record that name */
	bool recorded;         /* that is what is left out now */
	bool noted;     /* so is what the last export left out, which made no snapshot */
	bool first;     /* no snapshot shows a record yet */
	uint64_t floor; /* of the feed, in that transaction */
	uint64_t done;  /* the feed is rendered up to this sequence */
	bool whole;     /* render all in one transaction */
	bool worked;    /* the branch now has the tree that was built */
	struct index_counts counts;
	struct index_health health;
	uint64_t removed; /* responses that the last snapshot has, and this one has not */
	struct log_progress progress;
	struct buf name, path, body, redacted; /* name: "xx/yy/N" */
};

void export_result_release(struct export_result *result)
{
	snapshot_info_release(&result->info);
	oversize_release(&result->oversize);
	*result = (struct export_result){0};
}

/* --- where to start -------------------------------------------------------------------- */

static void remember_index(struct export *ex, const struct index_txn *txn)
{
	snprintf(ex->seen.index, sizeof(ex->seen.index), "%s", index_uuid(txn));
	ex->seen.epoch = index_epoch(txn);
	ex->seen.sequence = index_sequence(txn);
	ex->floor = index_feed_floor(txn);
}

/* The sequence up to which the tip's tree shows this index, from the tip's message or
 * from the note. 0: neither is about the index as it is now. */
static uint64_t exported_sequence(struct export *ex, const struct index_txn *txn)
{
	const struct snapshot_info *head = &ex->result->info;
	const struct note_export *noted = &ex->note.ended;
	struct note_export said = {0};
	uint64_t exported = 0;

	if (head->message && ex->recorded &&
	    message_exported(head->message, said.index, &said.epoch, &said.sequence) &&
	    note_follows(txn, &said)) {
		exported = said.sequence;
	}
	if (ex->noted && noted->sequence > exported && note_follows(txn, noted)) {
		exported = noted->sequence;
	}
	return exported;
}

/*
 * Whether the export may continue in this transaction. Not if the index is another one
 * now, or was set back. Nor if the feed has dropped entries that the export has not read:
 * they were of responses that no longer exist, and the export may have rendered those
 * before.
 */
static bool may_go_on(const struct export *ex, const struct index_txn *txn)
{
	uint64_t floor = index_feed_floor(txn);

	return index_is_built(txn) && strcmp(ex->seen.index, index_uuid(txn)) == 0 &&
	       (!ex->seen.sequence ||
		index_epoch_holds(txn, ex->seen.epoch, ex->seen.sequence)) &&
	       (floor == ex->floor || floor <= ex->done);
}

/* --- rendering ------------------------------------------------------------------------ */

/* Renders a body into ex->body, without what is left out. ERR_NOTFOUND, ERR_LARGE (no
 * message). A body counts as too large if it is before or after members are left out: before,
 * as it is held whole. */
static int render_body(struct export *ex, struct index_txn *txn,
		       const struct query_key *key, struct err *err)
{
	size_t most = ex->job->body_max ? ex->job->body_max : RESPONSE_MAX;
	int rc;

	buf_empty(&ex->body);
	buf_empty(&ex->redacted);
	rc = query_body(txn, key, most, &ex->body, err);
	if (!rc && ex->job->redact) {
		struct buf body = ex->body;

		redact_body(ex->job->redact, &ex->result->matched, &ex->redacted,
			    key->response, body.data, body.len);
		ex->body = ex->redacted;
		ex->redacted = body;
		buf_empty(&ex->redacted);
		rc = ex->body.len > most ? ERR_LARGE : 0;
	}
	return rc;
}

/* Renders one file of the snapshot. */
static int render_row(struct export *ex, struct index_txn *txn,
		      const struct response *row, uint64_t number, struct err *err)
{
	struct query_key key = {.response = row->kind, .number = number};
	int rc = render_body(ex, txn, &key, err);

	buf_clear(&ex->path);
	layout_fill(&ex->path, row->path,
		    &(struct layout_text){ex->name.data, ex->name.len});
	oversize_set(&ex->result->oversize, ex->path.data, rc == ERR_LARGE);
	if (rc == ERR_NOTFOUND || rc == ERR_LARGE) {
		snapshot_remove(ex->edit, ex->path.data);
		return 0;
	}
	return rc ? rc
		  : snapshot_put(ex->edit, ex->path.data, ex->body.data, ex->body.len,
				 err);
}

/* Renders one entry of the feed. */
static int render(struct export *ex, struct index_txn *txn, const struct query_key *key,
		  struct err *err)
{
	struct record_id id;
	int rc = query_id(txn, key->number, &id, err);

	if (!rc) {
		buf_clear(&ex->name);
		layout_add_name(&ex->name, LAYOUT_SNAPSHOT, id.bytes, id.len);
	}
	for (size_t i = 0; !rc && i < response_count; i++) {
		if (!response_table[i].collected &&
		    response_table[i].stale_by & 1u << key->response) {
			rc = render_row(ex, txn, &response_table[i], key->number, err);
		}
	}
	return rc;
}

/* Whether a slice is to end after `n` responses. The last attempt is one slice. */
static bool is_full(const struct export *ex, unsigned n, int64_t until)
{
	unsigned most = ex->job->slice ? ex->job->slice : SLICE_RESPONSES;

	return !ex->whole && (n >= most || clock_now_ms() >= until);
}

/* Renders one slice. SLICE_END: the feed was read to its end, and ex->done, ex->seen,
 * counts and health are of this instant. SLICE_LOST: the export must begin again. */
static int render_slice(struct export *ex, enum slice *end, struct err *err)
{
	struct index_txn *txn = NULL;
	int64_t until = clock_now_ms() + SLICE_MS;
	int rc = index_begin(&txn, ex->job->index, false, err);

	*end = SLICE_FULL;
	if (!rc && !(ex->whole ? index_is_built(txn) : may_go_on(ex, txn))) {
		*end = SLICE_LOST;
	} else if (!rc) {
		remember_index(ex, txn);
	}
	for (unsigned n = 0; !rc && *end == SLICE_FULL && !is_full(ex, n, until); n++) {
		struct query_key key;

		rc = query_feed(txn, ex->done, &key, err);
		if (rc == ERR_NOTFOUND) {
			*end = SLICE_END;
			rc = 0;
			ex->done = index_sequence(txn);
			index_counts(txn, &ex->counts);
			index_health(txn, &ex->health);
			break;
		}
		rc = rc ? rc : render(ex, txn, &key, err);
		if (!rc) {
			ex->done = key.sequence;
			ex->result->rendered++;
			log_progress_step(&ex->progress, 1);
		}
		if (!rc && ex->whole && n % SLICE_RESPONSES == 0 && ex->job->stop) {
			rc = stop_check(ex->job->stop, err);
		}
	}
	rc = index_end(&txn, rc, err);
	if (!rc && ex->job->stop) {
		rc = stop_check(ex->job->stop, err);
	}
	if (!rc && ex->job->between) {
		ex->job->between(ex->job->payload);
	}
	return rc;
}

/* A snapshot's time is never before its parent's (snapshot_edit_commit). This warns if
 * the clock is, and returns by how many seconds, or 0. */
static int64_t clock_behind(const struct snapshot_info *parent, int64_t now)
{
	int64_t behind = *parent->commit.hex ? parent->time_s - now : 0;

	if (behind <= 0) {
		return 0;
	}
	log_warning("the clock is %" PRId64 " second%s behind the last snapshot; the new "
		    "one gets the last one's time",
		    behind, behind == 1 ? "" : "s");
	return behind;
}

static int write_message(struct export *ex, struct buf *out, int64_t now, struct err *err)
{
	struct message message = {.delta = &ex->result->delta,
				  .index = ex->seen.index,
				  .epoch = ex->seen.epoch,
				  .sequence = ex->done,
				  .counts = &ex->counts,
				  .health = &ex->health,
				  .parent = &ex->result->info,
				  .name = ex->library.len ? ex->library.data : NULL,
				  .clock_behind = clock_behind(&ex->result->info, now)};
	int rc = message_number(&message.number, ex->job->repo, message.parent, err);

	if (!rc) {
		message_write(out, &message);
		oversize_write(out, &ex->result->oversize);
		if (ex->job->accept) {
			/* The snapshot is the same wherever it is published. */
			accept_trailers(out,
					ex->job->accept->used & ~(1u << ACCEPT_SITE));
		}
		redact_trailers(out, ex->job->redact, &ex->result->matched);
	}
	return rc;
}

/* --- another index --------------------------------------------------------------------- */

/* Whether the file of a snapshot is a response. */
static bool is_response(const char *path)
{
	struct layout_text name;
	const struct response *row = response_parse(path, &name);

	return row && row->request;
}

static void count_removed(const char *path, void *payload)
{
	struct export *ex = payload;

	ex->removed += is_response(path);
}

static int count_response(const struct snapshot_change *change, void *payload)
{
	uint64_t *count = payload;

	*count += is_response(change->path);
	return 0;
}

/* Refuses an index that is not that of the last snapshot if most of that would go. */
static int check_index(struct export *ex, struct err *err)
{
	const struct snapshot_info *head = &ex->result->info;
	struct note_export said;
	uint64_t all = 0;
	int rc;

	if (!head->message ||
	    !message_exported(head->message, said.index, &said.epoch, &said.sequence) ||
	    strcmp(said.index, ex->seen.index) == 0 || !ex->removed) {
		return 0;
	}
	rc = snapshot_diff(ex->job->repo, response_walk_fault, NULL, &head->tree, NULL,
			   count_response, &all, err);
	if (rc || !brake_holds(ex->removed, all)) {
		return rc;
	}
	err_set(err, ERR_REFUSED,
		"'%s' is another index (%s) than that of snapshot %.12s (%s), and of the "
		"snapshot's %" PRIu64 " responses %" PRIu64
		" would go: check --index and --repo, and whether the scan had the whole "
		"metadata folder",
		index_dir(ex->job->index), ex->seen.index, head->commit.hex, said.index,
		all, ex->removed);
	return accept_check(ex->job->accept, ACCEPT_INDEX, err);
}

/* --- another key ---------------------------------------------------------------------- */

/* Refuses to go on without a signature where the last snapshot has one, and notices another
 * key. */
static int check_signer(struct export *ex, struct err *err)
{
	const struct snapshot_info *head = &ex->result->info;
	char *key = ex->result->other_key;
	int rc = *head->commit.hex
			 ? sign_commit_key(key, ex->job->repo, &head->commit, err)
			 : ERR_NOTFOUND;

	if (rc) {
		return rc == ERR_NOTFOUND ? 0 : rc;
	}
	if (!*key) {
		snprintf(key, SIGN_KEY, "unknown");
	}
	if (!ex->job->sign) {
		err_set(err, ERR_REFUSED,
			"snapshot %.12s is signed (key %s), and this one would not be: "
			"give --sign KEY; verify fails on an unsigned snapshot after a "
			"signed one, for ever",
			head->commit.hex, key);
		*key = '\0';
		return accept_check(ex->job->accept, ACCEPT_UNSIGNED, err);
	}
	if (strcmp(key, ex->job->key) == 0) {
		*key = '\0';
	}
	return 0;
}

static void log_other_key(const struct export *ex)
{
	if (*ex->result->other_key) {
		log_warning("snapshot %.12s is signed with another key (%s) than the one "
			    "before (%s)",
			    ex->result->info.commit.hex, ex->job->key,
			    ex->result->other_key);
	}
}

/* --- the commit ------------------------------------------------------------------------ */

static int commit(struct export *ex, struct err *err)
{
	struct snapshot_id tree;
	struct buf message = {0};
	int64_t time_s;
	bool same;
	int rc;

	ex->removed = 0;
	snapshot_edit_watch(ex->edit, response_walk_fault, count_removed, ex);
	rc = snapshot_edit_build(ex->edit, &tree, &same, &ex->result->delta, err);
	if (!rc && same) {
		return 0;
	}
	rc = rc ? rc : check_index(ex, err);
	rc = rc ? rc : check_signer(ex, err);
	if (!rc && ex->job->dry_run) {
		ex->result->tree = tree;
		ex->result->made = true;
		return 0;
	}
	rc = rc ? rc : when_now(&time_s, err);
	rc = rc ? rc : write_message(ex, &message, time_s, err);
	if (!rc) {
		snapshot_info_release(&ex->result->info);
		rc = snapshot_edit_commit(&ex->edit, message.data, time_s,
					  &ex->result->info, err);
		ex->result->made = !rc;
	}
	if (!rc) {
		log_other_key(ex);
	}
	buf_release(&message);
	return rc;
}

/* Refuses to show what the snapshot `last` leaves out; `wrong`: what is wrong with its
 * trailers. */
static int check_covered(struct export *ex, const struct snapshot_info *last,
			 const char *wrong, struct err *err)
{
	struct buf lost = {0};
	int rc = 0;

	redact_uncovered(&lost, ex->before, ex->job->redact);
	if (wrong) {
		rc = err_set(err, ERR_REFUSED,
			     "what snapshot %.12s leaves out cannot be read: %s",
			     last->commit.hex, wrong);
	} else if (lost.len) {
		rc = err_set(err, ERR_REFUSED,
			     "this export would show what snapshot %.12s leaves out or "
			     "rounds; give%s",
			     last->commit.hex, lost.data);
	}
	buf_release(&lost);
	return rc ? accept_check(ex->job->accept, ACCEPT_REDACTION, err) : 0;
}

/* Refuses another name of the library than that of the snapshot `last`, which is `recorded`;
 * `wrong`: what is wrong with its trailer. */
static int check_name(struct export *ex, const struct snapshot_info *last,
		      const struct buf *recorded, const char *wrong, struct err *err)
{
	if (wrong) {
		err_set(err, ERR_REFUSED,
			"the name of the library in snapshot %.12s cannot be read: %s",
			last->commit.hex, wrong);
	} else if (ex->renamed && recorded->len) {
		err_set(err, ERR_REFUSED,
			"this export would name the library '%s'; snapshot %.12s names "
			"it '%s'",
			ex->library.data, last->commit.hex, recorded->data);
	} else {
		return 0;
	}
	return accept_check(ex->job->accept, ACCEPT_NAME, err);
}

/* Whether a snapshot holds no record. */
static bool is_empty(const char *message)
{
	return !message_count(message, MESSAGE_IMAGES, 1) &&
	       !message_count(message, MESSAGE_TAGS, 1) &&
	       !message_count(message, MESSAGE_TAG_IMAGES, 1);
}

/* What is left out, and a name that the last snapshot does not record. */
static struct snapshot_id hash_settings(const struct export *ex)
{
	struct snapshot_id hash;
	struct buf rules = {0};

	redact_rules(&rules, ex->job->redact);
	if (ex->renamed) {
		buf_addf(&rules, "name %s\n", ex->library.data);
	}
	hash = note_settings(rules.data, rules.len);
	buf_release(&rules);
	return hash;
}

/* Reads what the last snapshot records, which binds this export: what it leaves out, and the
 * library's name. */
static int check_recorded(struct export *ex, struct err *err)
{
	const struct note_export *noted = &ex->note.ended;
	const struct snapshot_info *head = &ex->result->info;
	struct snapshot_info last;
	struct err wrong = {0}, wrong_name = {0};
	struct buf name = {0};
	int rc = note_last(&last, &ex->note, head, ex->job->repo, err);

	if (!rc && last.message) {
		redact_recorded(&ex->before, last.message, &wrong);
		message_name(&name, last.message, &wrong_name);
	}
	buf_addstr(&ex->library, ex->job->name                  ? ex->job->name
				 : name.len && !wrong_name.code ? name.data
								: "");
	ex->renamed =
		ex->job->name && (!name.len || strcmp(name.data, ex->job->name) != 0);
	ex->seen.settings = hash_settings(ex);
	ex->recorded = !wrong.code && redact_is_same(ex->before, ex->job->redact);
	ex->noted = *head->commit.hex &&
		    strcmp(noted->commit.hex, head->commit.hex) == 0 &&
		    strcmp(noted->settings.hex, ex->seen.settings.hex) == 0;
	ex->first = !last.message || is_empty(last.message);
	if (!rc && !ex->noted) {
		rc = check_covered(ex, &last, wrong.code ? wrong.msg : NULL, err);
		rc = rc ? rc
			: check_name(ex, &last, &name,
				     wrong_name.code ? wrong_name.msg : NULL, err);
	}
	buf_release(&name);
	snapshot_info_release(&last);
	return rc;
}

/* Appends the new paths that matched nothing so far. */
static void add_unmatched(const struct export *ex, struct buf *out)
{
	const struct redact_matched *matched = &ex->result->matched;

	if (matched->records && (ex->first || (ex->result->full && !ex->noted))) {
		redact_unmatched(out, ex->job->redact, ex->first ? NULL : ex->before,
				 matched);
	}
}

/* Whether a probe has found all that it looks for. */
static bool is_probed(const struct export *ex)
{
	struct buf unmatched = {0};
	bool all;

	if (!ex->job->probe || !ex->result->matched.records) {
		return false;
	}
	add_unmatched(ex, &unmatched);
	all = !unmatched.len;
	buf_release(&unmatched);
	return all;
}

/* Refuses a path that is new and was not found anywhere, as it may be misspelt. */
static int check_matched(const struct export *ex, struct err *err)
{
	struct buf unmatched = {0};
	int rc = 0;

	add_unmatched(ex, &unmatched);
	if (unmatched.len) {
		err_set(err, ERR_REFUSED,
			"nothing in any response is at%s; compare the spelling, also "
			"upper "
			"and lower case, with the records (a path begins at their top "
			"level)",
			unmatched.data);
		rc = accept_check(ex->job->accept, ACCEPT_REDACTION, err);
	}
	buf_release(&unmatched);
	return rc;
}

/* Reads what stays the same for the whole export. */
static int read_repository(struct export *ex, struct err *err)
{
	struct accept *accept = ex->job->accept;
	int rc;

	if (accept) {
		accept->used &= 1u << ACCEPT_SITE; /* command_begin_job may have asked */
	}
	if (!ex->job->repo) {
		ex->first = true; /* of a dry run: no message is written */
		return 0;
	}
	rc = note_check(&ex->note, &ex->result->info, ex->job->repo, accept, err);
	if (!rc && ex->job->site) {
		rc = note_check_site(&ex->note, ex->job->site, ex->job->repo, accept,
				     err);
	}
	return rc ? rc : check_recorded(ex, err);
}

/* Decides where the export starts, and whether there is anything to do. */
static int plan(struct export *ex, bool *nothing, struct err *err)
{
	bool has_head = *ex->result->info.commit.hex != '\0';
	bool accepted;
	struct index_txn *txn = NULL;
	uint64_t total;
	int rc = index_begin(&txn, ex->job->index, false, err);

	if (rc) {
		return rc;
	}
	if (!index_is_built(txn)) {
		index_abort(&txn);
		return err_set(
			err, ERR_LOCKED,
			"the first scan into index '%s' has not ended; export after it",
			index_dir(ex->job->index));
	}
	remember_index(ex, txn);
	/* After --accept history the tip may be somebody else's, so its message proves
	 * nothing. */
	accepted = ex->job->accept && (ex->job->accept->used & 1u << ACCEPT_HISTORY);
	ex->done = ex->whole || accepted ? 0 : exported_sequence(ex, txn);
	/* An export that names the library otherwise leaves a note of that. */
	*nothing = has_head && ex->done && ex->done == index_sequence(txn) &&
		   (ex->noted || !ex->renamed);
	ex->result->full = !ex->done;
	ex->result->rendered = 0;
	ex->result->matched = (struct redact_matched){0};
	oversize_clear(&ex->result->oversize);
	if (ex->result->full) {
		query_read_ahead(txn);
	} else {
		/* What is not rendered again is as in the last snapshot. */
		oversize_read(&ex->result->oversize, ex->result->info.message);
	}
	total = query_feed_count(txn, ex->done, UINT64_MAX);
	rc = index_end(&txn, 0, err); /* fails if the feed is damaged */
	log_progress_start(&ex->progress, "exporting", total);
	return rc;
}

/* An edit starts from the branch's tip, which must still be the commit that was read. */
static int begin_edit(struct export *ex, struct err *err)
{
	struct snapshot_info now = {0};
	bool dry = ex->job->dry_run;
	int rc = (dry ? snapshot_edit_begin_dry : snapshot_edit_begin)(
		&ex->edit, ex->job->repo, ex->result->full, err);

	if (!rc && ex->job->repo) {
		rc = snapshot_head(ex->job->repo, &now, err);
		rc = rc == ERR_NOTFOUND ? 0 : rc;
	}
	if (!rc && strcmp(now.commit.hex, ex->result->info.commit.hex) != 0) {
		rc = err_set(err, ERR_CHANGED,
			     "another program moved main of '%s' meanwhile; export "
			     "again",
			     snapshot_path(ex->job->repo));
	}
	snapshot_info_release(&now);
	if (!rc && ex->job->sign && !dry) {
		sign_edit(ex->edit, ex->job->repo, ex->job->sign);
	}
	return rc;
}

/* One attempt at a snapshot. *again: the index changed in a way that the feed does not
 * show. */
static int attempt(struct export *ex, bool *again, struct err *err)
{
	enum slice end = SLICE_FULL;
	bool nothing = false;
	int rc = plan(ex, &nothing, err);

	*again = false;
	if (rc || nothing) {
		return rc;
	}
	rc = begin_edit(ex, err);
	while (!rc && end == SLICE_FULL && !is_probed(ex)) {
		rc = render_slice(ex, &end, err);
	}
	log_progress_end(&ex->progress);
	if (!rc && end == SLICE_LOST) {
		*again = true;
		ex->result->restarts++;
		ex->whole = ex->result->restarts >= ATTEMPTS_SLICED;
		log_info("the index changed more than its change feed shows: the "
			 "export begins again");
	} else if (!rc) {
		log_debug("rendered %" PRIu64 " responses, up to sequence %" PRIu64,
			  ex->result->rendered, ex->done);
		rc = check_matched(ex, err);
		rc = rc || ex->job->probe ? rc : commit(ex, err);
		ex->worked = !rc;
	}
	snapshot_edit_drop(&ex->edit);
	return rc;
}

/* Leaves the next export a note of where main is, and, unless the tip's message says it,
 * up to where the index is exported. */
static void leave_note(struct export *ex)
{
	const struct snapshot_info *head = &ex->result->info;
	struct note note = {.made = head->commit, .ended = ex->note.ended};

	ex->seen.commit = head->commit;
	if (ex->result->made) {
		note.ended = (struct note_export){0};
	} else if (ex->worked) {
		note.ended = ex->seen;
	}
	if (ex->worked || strcmp(note.made.hex, ex->note.made.hex) != 0) {
		note_write(&note, ex->job->repo);
	}
}

#define WARNINGS_MAX 10

static void warn_of_oversize(const struct oversize *oversize)
{
	const char *path;
	size_t at = 0, n = 0;

	while (n < WARNINGS_MAX && (path = oversize_next(oversize, &at))) {
		log_warning("the snapshot lacks '%s': the response is larger than %zu "
			    "MiB; smaller records, or fewer of them, mend that",
			    path, RESPONSE_MAX >> 20);
		n++;
	}
	if (n < oversize->count) {
		log_warning("the snapshot lacks %zu more responses that are too large; "
			    "its trailers " OVERSIZE_TRAILER " name all",
			    oversize->count - n);
	}
}

static bool has_accepted_site(const struct export_job *job)
{
	return job->accept && job->accept->used & 1u << ACCEPT_SITE;
}

/* Refuses a site before anything is changed. */
static int check_site(const struct export_job *job, struct err *err)
{
	int rc = job->site && !has_accepted_site(job)
			 ? foreign_check(job->site, job->repo, err)
			 : 0;

	return rc == ERR_REFUSED ? accept_check(job->accept, ACCEPT_SITE, err) : rc;
}

static int publish(const struct export_job *job, struct export_result *result,
		   struct err *err)
{
	unsigned flags = job->site_flags | (has_accepted_site(job) ? SITE_FOREIGN : 0) |
			 (job->dry_run ? SITE_DRY_RUN : 0);
	const char *signer = NULL;
	char key[SIGN_KEY];
	int rc = 0;

	if (!job->site || !*result->info.commit.hex) {
		return 0;
	}
	if (job->site_flags & SITE_AUDIT_PAGE) {
		rc = sign_commit_signer(&signer, key, job->repo, &result->info.commit,
					err);
	}
	return rc ? rc
		  : site_publish(job->site, job->repo, &result->info, signer, flags,
				 &result->site, err);
}

int export_run(const struct export_job *job, struct export_result *result,
	       struct err *err)
{
	struct export ex = {.job = job, .result = result};
	bool again = true;
	int rc;

	*result = (struct export_result){0};
	rc = read_repository(&ex, err);
	rc = rc ? rc : check_site(job, err);
	while (!rc && again) {
		rc = attempt(&ex, &again, err);
	}
	result->sequence = ex.done;
	buf_release(&ex.name);
	buf_release(&ex.path);
	buf_release(&ex.body);
	buf_release(&ex.redacted);
	redact_free(ex.before);
	if (!rc && ex.renamed && !result->made) {
		log_info("no snapshot was made, so none records the name '%s' yet: give "
			 "--name until one does",
			 ex.library.data);
	}
	buf_release(&ex.library);
	if (!rc && !job->dry_run) {
		leave_note(&ex);
		if (job->accept) { /* for the next export, after a publish that fails */
			job->accept->given &= 1u << ACCEPT_SITE;
		}
		if (result->made) {
			warn_of_oversize(&result->oversize);
		}
	}
	/* The files of a snapshot that would be made cannot be read. */
	if (!rc && !(job->dry_run && result->made)) {
		rc = publish(job, result, err);
	}
	if (!rc && job->accept) {
		*job->accept = (struct accept){0};
	}
	place_close(job->site); /* the next export reads it anew */
	return rc;
}
