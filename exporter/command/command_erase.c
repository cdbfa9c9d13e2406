/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "data/base/file.h"
#include "data/base/log.h"
#include "data/format/json_print.h"
#include "data/format/record.h"
#include "data/index/query.h"
#include "exporter/command/command.h"
#include "exporter/erase/erase.h"
#include "exporter/evidence/sign_edit.h"
#include "exporter/export/note.h"
#include "exporter/git/commit.h"
#include "exporter/git/purge.h"
#include "exporter/lookback/when.h"
#include "exporter/site/foreign.h"
#include "exporter/site/site.h"
#include "exporter/site/state.h"
#include "exporter/snapshot/message.h"

struct erasing {
	const struct command_options *opt;
	struct erase_job job;
	struct erase_result result;
	struct redact *members;
	struct index *index;
	struct snapshot_repo *repo;
	struct note note;
	struct snapshot_info head;
	bool finished; /* an erasure that was interrupted */
	struct purge_result purge;
	struct place *site; /* NULL: none */
	struct site_result published;
};

/* --- what is erased --- */

static int read_ids(struct erase_ids *out, const struct cli_list *list,
		    const char *option, struct err *err)
{
	for (size_t i = 0; i < list->count; i++) {
		const char *id = list->value[i];
		const char *fault = record_id_fault(id, strlen(id));

		if (fault) {
			return err_set(err, ERR_USAGE, "--%s '%s' is not an id: %s",
				       option, id, fault);
		}
		erase_ids_add(out, &(struct body_text){id, strlen(id)});
	}
	return 0;
}

static int read_job(struct erasing *e, struct err *err)
{
	const struct command_options *opt = e->opt;
	struct erase_job *job = &e->job;
	int rc = read_ids(&job->images, &opt->erase_image, "image", err);

	rc = rc ? rc
		: read_ids(&job->tag_images, &opt->erase_tag_image, "tag-image", err);
	rc = rc ? rc : read_ids(&job->tags, &opt->erase_tag, "tag", err);
	rc = rc ? rc : read_ids(&job->albums, &opt->erase_album, "album", err);
	rc = rc ? rc
		: redact_new(&e->members, opt->erase_member.value,
			     opt->erase_member.count, -1, err);
	if (!rc && !job->images.count && !job->tag_images.count && !job->tags.count &&
	    !job->albums.count && !e->members) {
		rc = err_set(err, ERR_USAGE,
			     "say what is to be erased: --image, --tag-image, --tag, "
			     "--album or --member");
	}
	job->members = e->members;
	job->reason = opt->reason;
	job->key = opt->sign;
	job->dry = opt->dry_run;
	return rc ? rc : when_now(&job->time_s, err);
}

static int check_known(struct index_txn *txn, const struct erase_ids *ids, unsigned kind,
		       const char *what, struct err *err)
{
	for (size_t i = 0; i < ids->count; i++) {
		const struct body_text *text = &ids->id[i];
		struct record_id id = {.len = (unsigned char)text->len};

		memcpy(id.bytes, text->data, text->len);
		if (query_is_known(txn, kind, &id)) {
			return err_set(err, ERR_REFUSED,
				       "the index has the %s '%.*s' still, and the next "
				       "snapshot would have it again; remove it from the "
				       "metadata folder, then run albumen-indexer scan",
				       what, (int)text->len, text->data);
		}
	}
	return 0;
}

/* Another index says nothing about what the next export of the one that the repository follows
 * will show. */
static int check_uuid(const struct erasing *e, const struct index_txn *txn,
		      struct err *err)
{
	const struct note_export *ended = &e->note.ended;
	const char *uuid = index_uuid(txn);
	struct buf last = {0};
	bool same = e->head.message &&
		    commit_trailer(e->head.message, MESSAGE_INDEX, &last) == 0 &&
		    strcmp(last.data, uuid) == 0;

	buf_release(&last);
	/* It was made again, and exporting it made no snapshot. */
	same = same || (strcmp(ended->commit.hex, e->head.commit.hex) == 0 &&
			strcmp(ended->index, uuid) == 0);
	return same ? 0
		    : err_set(err, ERR_REFUSED,
			      "the index '%s' is not the one that snapshot %.12s is of; "
			      "name that one or, if it was made again, run "
			      "albumen-exporter export with it first",
			      e->opt->index, e->head.commit.hex);
}

/* Refuses what the index still has. */
static int check_index(void *payload, struct err *err)
{
	struct erasing *e = payload;
	struct index_txn *txn = NULL;
	int rc = index_begin(&txn, e->index, false, err);

	if (!rc && !index_is_built(txn)) {
		rc = err_set(err, ERR_REFUSED,
			     "the index '%s' is not built yet, so what it will hold is "
			     "not known; let albumen-indexer scan end first",
			     e->opt->index);
	}
	rc = rc ? rc : check_uuid(e, txn, err);
	rc = rc ? rc : check_known(txn, &e->job.images, RECORD_IMAGE, "image", err);
	rc = rc ? rc
		: check_known(txn, &e->job.tag_images, RECORD_TAG_IMAGE, "tag image",
			      err);
	rc = rc ? rc : check_known(txn, &e->job.tags, RECORD_TAG, "tag", err);
	rc = rc ? rc : check_known(txn, &e->job.albums, QUERY_ALBUM, "album", err);
	return index_end(&txn, rc, err);
}

/* --- the note beside the repository --- */

/* The note names the old tip. Without it the next export goes on from any snapshot; so a kill
 * between the swap and the new note does no harm. */
static int drop_note(void *payload, struct err *err)
{
	struct erasing *e = payload;
	struct buf path = {0};
	int rc = 0;

	buf_addf(&path, "%s/" NOTE_FILE, snapshot_path(e->repo));
	if (unlink(path.data) == 0) {
		rc = file_flush_folder(snapshot_path(e->repo), err);
	} else if (errno != ENOENT) {
		rc = err_sys(err, "cannot remove '%s'", path.data);
	}
	buf_release(&path);
	return rc;
}

/* Writes the note again, about the new tip (after a failure about the old one). */
static void write_note(struct erasing *e)
{
	const struct snapshot_id *old = &e->result.old_tip, *new = &e->result.new_tip;

	if (*new->hex && strcmp(e->note.made.hex, old->hex) == 0) {
		e->note.made = *new;
	}
	if (*new->hex && strcmp(e->note.ended.commit.hex, old->hex) == 0) {
		e->note.ended.commit = *new;
	}
	if (*e->note.made.hex) {
		note_write(&e->note, e->repo);
	}
}

/* --- the site --- */

static int check_site(struct erasing *e, struct err *err)
{
	return e->site ? foreign_check(e->site, e->repo, err) : 0;
}

/* Brings the site to the new tip, with all that it has. */
static int publish(struct erasing *e, struct err *err)
{
	struct snapshot_info head = {0};
	struct state at;
	char key[SIGN_KEY];
	unsigned flags;
	int rc;

	if (!e->site) {
		return 0;
	}
	rc = state_read(&at, e->site, err);
	flags = (at.collections ? SITE_COLLECTIONS : 0) |
		(*at.mark ? SITE_AUDIT_PAGE : 0);
	rc = rc ? rc : snapshot_head(e->repo, &head, err);
	if (!rc) {
		bool is_signed = sign_commit_key(key, e->repo, &head.commit, err) == 0;

		rc = site_publish(e->site, e->repo, &head, is_signed ? key : NULL, flags,
				  &e->published, err);
	}
	snapshot_info_release(&head);
	return rc;
}

/* Asked for once more, the erasure finds nothing; so what is left to do is said now. */
static int site_fails(const struct erasing *e, int code, struct err *err)
{
	const struct err why = *err;

	return err_set(err, code,
		       "history has it no more, but the site '%s' still may: %s; then "
		       "albumen-exporter publish brings the site to the last snapshot",
		       e->opt->site, why.msg);
}

/* --- the report --- */

static void report_json(struct buf *out, const struct erasing *e)
{
	const struct erase_result *r = &e->result;
	bool dry = e->opt->dry_run, written = *r->new_tip.hex;

	json_print_document(out);
	json_print_bool(out, "dry_run", dry);
	json_print_bool(out, "finished", e->finished);
	json_print_number(out, "snapshots", r->snapshots);
	json_print_maybe(out, "from_number", r->from, r->from);
	json_print_number(out, "held", r->held);
	json_print_number(out, "labels", r->labels);
	json_print_number(out, "answers", r->answers);
	json_print_string(out, "commit_before", written ? r->old_tip.hex : NULL);
	json_print_string(out, "commit", written ? r->new_tip.hex : NULL);
	json_print_string(out, "label", written ? r->label : NULL);
	json_print_maybe(out, "objects_removed", e->purge.objects, !dry);
	command_add_site(out, e->opt, dry ? NULL : &e->published);
	buf_addstr(out, "}\n");
}

static const char *verb(uint64_t count, bool dry)
{
	return dry ? "would be" : count == 1 ? "was" : "were";
}

static void report_text(struct buf *out, const struct erasing *e)
{
	const struct erase_result *r = &e->result;
	bool dry = e->opt->dry_run;

	if (e->finished) {
		buf_addstr(out, "an interrupted erasure was finished\n");
	} else {
		command_add_count(out, r->snapshots, "snapshot");
		buf_addf(out, " %s written anew", verb(r->snapshots, dry));
		if (r->from) {
			buf_addf(out, ", from number %" PRIu64 " on", r->from);
		}
		buf_addstr(out, ", and ");
		command_add_count(out, r->labels, "label");
		buf_addstr(out, "; ");
		command_add_count(out, r->answers, "answer");
		buf_addf(out, " %s changed\n", verb(r->answers, dry));
	}
	if (*r->new_tip.hex) {
		buf_addf(out, "snapshot %s was %s\nlabel %s\n", r->new_tip.hex,
			 r->old_tip.hex, r->label);
	}
	if (!dry) {
		command_add_count(out, e->purge.objects, "object");
		buf_addstr(out, " removed from the disk\n");
	}
	if (!dry && e->opt->site) {
		command_add_site(out, e->opt, &e->published);
	}
	if (!dry) {
		buf_addf(
			out,
			"not reached: %sclones, bundles, backups, receipts, reports, the "
			"metadata folder (albumen-exporter(1), ERASURE)\n",
			e->opt->site ? "other sites, "
				     : "sites, until they are published again; ");
	}
}

static void report(const struct erasing *e)
{
	struct buf out = {0};

	if (e->opt->json) {
		report_json(&out, e);
	} else {
		report_text(&out, e);
	}
	command_print(&out);
}

/* --- all of it --- */

static int open_repo(struct erasing *e, struct err *err)
{
	static const char who[] = "albumen-exporter erase";

	return e->opt->dry_run
		       ? snapshot_open(&e->repo, e->opt->repo, SNAPSHOT_LOOK, who, err)
		       : command_open_writer(&e->repo, e->opt, 0, who, NULL, err);
}

static int erase(struct erasing *e, struct err *err)
{
	bool due = !e->opt->dry_run && purge_is_due(e->repo);
	int rc = erase_run(&e->result, e->repo, &e->job, err);

	/* After a kill the history has it no more, but the disk may. */
	if (rc == ERR_NOTFOUND && due) {
		log_info("%s; an erasure was interrupted, and is finished now", err->msg);
		e->finished = true;
		rc = snapshot_reopen(e->repo, err);
	}
	if (!e->opt->dry_run && !rc) {
		write_note(e);
	} else if (rc == ERR_CHANGED || rc == ERR_LOCKED) {
		note_write(&e->note, e->repo); /* nothing has changed */
	}
	return rc;
}

static int run(const void *values, char **operand, struct err *err)
{
	const struct command_options *opt = values;
	struct erasing e = {.opt = opt};
	char key[SIGN_KEY];
	int rc = command_begin(&e.site, opt, err);

	(void)operand;
	e.job.check = check_index;
	e.job.ready = drop_note;
	e.job.payload = &e;
	rc = rc ? rc : read_job(&e, err);
	rc = rc || !opt->sign ? rc : sign_key_check(key, opt->sign, err);
	rc = rc ? rc : index_open(&e.index, opt->index, 0, err);
	rc = rc ? rc : open_repo(&e, err);
	rc = rc ? rc : note_check(&e.note, &e.head, e.repo, NULL, err);
	rc = rc ? rc : check_site(&e, err);
	rc = rc ? rc : erase(&e, err);
	if (!rc && !opt->dry_run) {
		struct err why;
		/* Against the old snapshot, which the purge removes. If that fails, as where
		 * the history before it is cut off, the site is compared whole. */
		bool published = publish(&e, &why) == 0;

		rc = erase_finish(&e.purge, e.repo, err);
		if (!rc && !published) {
			log_debug("%s", why.msg);
			rc = publish(&e, err);
			rc = rc ? site_fails(&e, rc, err) : 0;
		}
	}
	if (!rc) {
		report(&e);
	}
	snapshot_info_release(&e.head);
	snapshot_close(e.repo);
	index_close(e.index);
	redact_free(e.members);
	erase_job_release(&e.job);
	place_free(e.site);
	return rc;
}

const struct cli_command command_erase = {
	.name = "erase",
	.run = run,
	.options = "index! repo! site endpoint-url region single-publisher json image+ "
		   "tag-image+ tag+ album+ member+ reason! "
		   "sign "
		   "dry-run wait",
	.summary = "take records out of all of history",
	.help = "Makes every snapshot what it would have been without them, and signs "
		"again "
		"what was signed. First remove them from the metadata folder and scan. "
		"Clones, bundles and backups keep what they have."};
