/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/export/standing.h"

#include <inttypes.h>
#include <string.h>

#include "data/format/age.h"
#include "data/index/facts.h"
#include "data/index/index.h"
#include "exporter/evidence/sign_edit.h"
#include "exporter/export/note.h"
#include "exporter/git/history.h"
#include "exporter/site/foreign.h"
#include "exporter/site/pending.h"
#include "exporter/site/state.h"
#include "exporter/snapshot/message.h"
#include "exporter/snapshot/response.h"

/*
 * Others may write meanwhile. So the site is read first, then main, then the index: what changes
 * in between makes what is read later a little newer, and is a lag of less than the time that
 * this takes.
 */

/* --- the last snapshot ---------------------------------------------------------------- */

static int read_signature(struct standing *s, const struct standing_job *job,
			  struct err *err)
{
	struct sign_result result = {0};
	int rc = sign_commit_key(s->key, job->repo, &s->info.commit, err);

	if (rc == ERR_NOTFOUND) {
		s->signature = SIGN_NONE;
		fail_on_add(&s->fail_on, FAIL_ON_UNSIGNED,
			    "snapshot %.12s is not signed; 'albumen-exporter export "
			    "--sign KEY' signs the next one",
			    s->info.commit.hex);
		return 0;
	}
	s->signature = SIGN_UNKNOWN;
	if (rc || !job->signers) {
		return rc;
	}
	rc = sign_commit_verify(&result, job->repo, &s->info.commit, job->signers, err);
	if (rc && rc != ERR_REFUSED) {
		return rc;
	}
	s->signature = result.verdict;
	memcpy(s->principal, result.principal, sizeof(s->principal));
	if (rc) {
		fail_on_add(&s->fail_on, FAIL_ON_UNSIGNED, "%s", err->msg);
	}
	return 0;
}

static void check_failure(struct standing *s, const struct snapshot_repo *repo)
{
	struct buf why = {0};
	char at[STAMP_TEXT];
	int64_t at_s;

	if (snapshot_failure(&why, &at_s, repo)) {
		stamp_format(at, at_s);
		fail_on_add(&s->fail_on, FAIL_ON_FAILED,
			    "the last export failed, at %s: %s", at,
			    why.len ? why.data : "");
	}
	buf_release(&why);
}

static void check_complete(struct standing *s)
{
	oversize_read(&s->oversize, s->info.message);
	if (s->oversize.count) {
		fail_on_add(&s->fail_on, FAIL_ON_REJECTS,
			    "snapshot %.12s lacks %zu response%s of more than %zu MiB",
			    s->info.commit.hex, s->oversize.count,
			    s->oversize.count == 1 ? "" : "s", RESPONSE_MAX >> 20);
	}
}

static int read_snapshot(struct standing *s, struct note *note,
			 const struct standing_job *job, struct err *err)
{
	int rc = note_check(note, &s->info, job->repo, NULL, err);

	if (rc == ERR_REFUSED) {
		fail_on_add(&s->fail_on, FAIL_ON_DAMAGED, "%s", err->msg);
	} else if (rc) {
		return rc;
	}
	if (!*s->info.commit.hex) {
		fail_on_add(&s->fail_on, FAIL_ON_FAILED,
			    "there is no snapshot in '%s' yet", snapshot_path(job->repo));
		return 0;
	}
	s->number = message_count(s->info.message, MESSAGE_NUMBER, 0);
	rc = message_name(&s->library, s->info.message, err);
	if (rc) {
		buf_clear(&s->library);
	}
	check_complete(s);
	return read_signature(s, job, err);
}

/* --- the index ------------------------------------------------------------------------ */

/* Takes in that the snapshot shows the index as it was then. `txn` may be NULL: then only the uuid
 * tells whether it is the same index. */
static void take_export(struct standing *s, const struct note_export *at,
			const struct index_txn *txn)
{
	if (txn ? note_follows(txn, at) : strcmp(at->index, s->index.uuid) == 0) {
		s->index.continues = true;
		s->index.exported = at->sequence > s->index.exported ? at->sequence
								     : s->index.exported;
	}
}

/* Finds out up to where the index is exported: the snapshot says it, or, if the last export made
 * none, the note. */
static void take_exported(struct standing *s, const struct note *note,
			  const struct index_txn *txn)
{
	struct note_export said = {0};

	if (s->info.message &&
	    message_exported(s->info.message, said.index, &said.epoch, &said.sequence)) {
		take_export(s, &said, txn);
	}
	if (*note->ended.commit.hex &&
	    strcmp(note->ended.commit.hex, s->info.commit.hex) == 0) {
		take_export(s, &note->ended, txn);
	}
}

/* Takes in what the index, or its writer's report, says of it. */
static void take_facts(struct standing *s, const struct facts *facts, const char *dir)
{
	struct standing_index *index = &s->index;

	memcpy(index->uuid, facts->index, sizeof(index->uuid));
	index->sequence = facts->sequence;
	index->rejects = facts->counts.rejects;
	index->rejected_files = facts->counts.rejected_files;
	facts_judge(facts, dir, "; 'albumen-indexer status' lists them", &s->fail_on);
}

static int read_index(struct standing *s, const struct note *note, const char *dir,
		      int64_t now_s, struct err *err)
{
	struct index *index = NULL;
	struct index_txn *txn = NULL;
	struct facts facts;
	int rc = index_open(&index, dir, 0, err);

	rc = rc ? rc : index_begin(&txn, index, false, err);
	if (!rc) {
		facts_read(&facts, txn);
		s->index.source = STANDING_INDEX;
		s->index.as_of_s = now_s;
		take_facts(s, &facts, dir);
		take_exported(s, note, txn);
	}
	rc = index_end(&txn, rc, err);
	index_close(index);
	return rc;
}

/* Takes the index from what its writer has reported. */
static bool read_report(struct standing *s, const struct note *note, const char *dir)
{
	struct facts_report report;
	struct err why;
	bool good = facts_report_read(&report, dir, &why) == 0;

	if (good) {
		s->index.source = STANDING_REPORT;
		s->index.as_of_s = report.facts.as_of_s;
		take_facts(s, &report.facts, dir);
		take_exported(s, note, NULL);
	}
	facts_report_release(&report);
	return good;
}

/* How long the index has been ahead, at least. */
static int64_t lag_of(const struct standing_index *index, const char *dir, int64_t now_s)
{
	int64_t since_s;

	if (index->continues && index->sequence <= index->exported) {
		return 0;
	}
	/* Of another index, only the last change counts: it may have been made just now. */
	since_s = index_changed_after(dir, index->continues  ? index->exported
					   : index->sequence ? index->sequence - 1
							     : 0);
	return since_s && since_s < now_s ? now_s - since_s : 0;
}

static void check_index(struct standing *s, const struct note *note,
			const struct standing_job *job)
{
	struct err why = {0};
	struct buf age = {0};
	int rc = read_index(s, note, job->index, job->now_s, &why);

	if (rc &&
	    !(index_is_locked_away(job->index) && read_report(s, note, job->index))) {
		s->index = (struct standing_index){0};
		fail_on_add(&s->fail_on,
			    rc == ERR_FORMAT ? FAIL_ON_DAMAGED : FAIL_ON_FAILED, "%s",
			    why.msg);
		return;
	}
	s->index.lag_s = lag_of(&s->index, job->index, job->now_s);
	if (s->index.lag_s > s->fail_on.lag_s) {
		age_add(&age, s->index.lag_s);
		fail_on_add(&s->fail_on, FAIL_ON_LAG,
			    "what changed in the index %s ago is in no snapshot; look "
			    "whether 'albumen-exporter follow' runs, and at its log",
			    age.data);
	}
	buf_release(&age);
}

/* Without an index, the last snapshot tells what was rejected then. */
static void check_rejects(struct standing *s)
{
	uint64_t rejects =
		s->info.message ? message_count(s->info.message, MESSAGE_REJECTS, 0) : 0;

	if (rejects) {
		fail_on_add(&s->fail_on, FAIL_ON_REJECTS,
			    "%" PRIu64 " record%s rejected when snapshot %.12s was made",
			    rejects, rejects == 1 ? " was" : "s were",
			    s->info.commit.hex);
	}
}

/* --- the site ------------------------------------------------------------------------- */

/* The time of the snapshot that came after the one that the site is at; of the last one that was
 * looked at, if that is not found. */
static int64_t passed_at(const struct standing *s, struct snapshot_repo *repo)
{
	struct history *history = history_new(repo);
	int64_t time_s = s->info.time_s;
	uint8_t id[OBJECT_ID], site[OBJECT_ID];
	struct history_step step;
	struct err ignored;

	if (object_unhex(id, s->info.commit.hex) &&
	    object_unhex(site, s->site.commit.hex)) {
		history_start(history, id);
		for (unsigned n = 0;
		     n < STANDING_STEPS && history_next(history, &step, &ignored) == 0 &&
		     memcmp(step.commit, site, OBJECT_ID) != 0;
		     n++) {
			time_s = step.time_s;
		}
	}
	history_free(history);
	return time_s;
}

static void check_site_lag(struct standing *s, const struct standing_job *job)
{
	struct buf age = {0};
	bool same = strcmp(s->site.commit.hex, s->info.commit.hex) == 0;
	int64_t since_s =
		same ? place_pending_since_s(job->site) : passed_at(s, job->repo);

	s->site.lag_s = since_s < job->now_s ? job->now_s - since_s : 0;
	if (s->site.lag_s > s->fail_on.lag_s) {
		age_add(&age, s->site.lag_s);
		fail_on_add(&s->fail_on, FAIL_ON_LAG,
			    "site '%s' has not been at the last snapshot for %s at "
			    "least%s",
			    place_name(job->site), age.data,
			    s->site.unfinished ? ": a publication has not finished" : "");
	}
	buf_release(&age);
}

/* Reads the commit that the site says it is at, before main is read. */
static int look_at_site(struct standing *s, struct state *state, struct place *site,
			struct err *err)
{
	struct pending pending;
	int rc = pending_read(&pending, site, err);

	s->site.unfinished = pending.unfinished;
	pending_release(&pending);
	rc = rc ? rc : state_read(state, site, err);
	s->site.commit = state->commit;
	return rc;
}

static int check_site(struct standing *s, const struct state *state,
		      const struct standing_job *job, struct err *err)
{
	struct standing_site *site = &s->site;
	struct snapshot_info at = {0};
	struct err why = {0};
	int rc = foreign_check(job->site, job->repo, &why);

	if (rc && rc != ERR_REFUSED) {
		return err_set(err, rc, "%s", why.msg);
	}
	if (rc) {
		fail_on_add(&s->fail_on, FAIL_ON_DAMAGED, "%s", why.msg);
		return 0;
	}
	if (!*site->commit.hex) {
		fail_on_add(
			&s->fail_on, FAIL_ON_FAILED,
			"site '%s' is at no snapshot: nothing was published there, or "
			"the first publication has not finished",
			place_name(job->site));
		return 0;
	}
	if (snapshot_resolve(job->repo, site->commit.hex, &at, &why) == 0) {
		site->number = message_count(at.message, MESSAGE_NUMBER, 0);
		if (strcmp(at.tree.hex, state->tree.hex) != 0) {
			fail_on_add(
				&s->fail_on, FAIL_ON_DAMAGED,
				"'%s/" PLACE_STATE
				"' names another tree than snapshot %.12s has: it was "
				"edited; 'albumen-exporter publish --repair' mends it",
				place_name(job->site), site->commit.hex);
		}
	}
	snapshot_info_release(&at);
	site->current =
		strcmp(site->commit.hex, s->info.commit.hex) == 0 && !site->unfinished;
	if (!site->current && *s->info.commit.hex) {
		check_site_lag(s, job);
	}
	return 0;
}

int standing_read(struct standing *standing, const struct standing_job *job,
		  struct err *err)
{
	struct state state = {0};
	struct note note;
	int rc = job->site ? place_pending_check(job->site, err) : 0;

	if (!rc && job->site) {
		rc = look_at_site(standing, &state, job->site, err);
	}
	check_failure(standing, job->repo);
	rc = rc ? rc : read_snapshot(standing, &note, job, err);
	if (!rc && job->index) {
		check_index(standing, &note, job);
	}
	if (!rc && standing->index.source == STANDING_NONE) {
		check_rejects(standing);
	}
	if (!rc && job->site) {
		rc = check_site(standing, &state, job, err);
	}
	return rc;
}

void standing_release(struct standing *standing)
{
	fail_on_release(&standing->fail_on);
	oversize_release(&standing->oversize);
	snapshot_info_release(&standing->info);
	buf_release(&standing->library);
	*standing = (struct standing){0};
}
