/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/evidence/prune.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "data/base/hash.h"
#include "exporter/evidence/declared.h"
#include "exporter/evidence/label.h"
#include "exporter/evidence/sign_edit.h"
#include "exporter/git/history.h"
#include "exporter/git/pack/objects.h"
#include "exporter/git/pack/pack.h"
#include "exporter/git/reflist.h"
#include "exporter/git/refswap.h"
#include "exporter/lookback/when.h"
#include "exporter/snapshot/message.h"

#define TAGS "refs/tags/"

/* --- sets of commits --- */

enum fate { UNKNOWN, KEPT, DROPPED, PASSED };

struct commits {
	struct commits_entry {
		uint8_t id[OBJECT_ID];
		enum fate fate;
	} * entry;
	size_t count, cap;
	struct hash table; /* of numbers in `entry`, from 1 */
};

static enum fate fate_of(const struct commits *commits, const uint8_t *id)
{
	uint32_t hash = hash_bytes(id, OBJECT_ID, 0), n;
	size_t at = 0;

	do {
		n = hash_next(&commits->table, hash, &at);
		assert(!n || commits->entry);
	} while (n && memcmp(commits->entry[n - 1].id, id, OBJECT_ID) != 0);
	return n ? commits->entry[n - 1].fate : UNKNOWN;
}

static void add_commit(struct commits *commits, const uint8_t *id, enum fate fate)
{
	struct commits_entry *entry;

	commits->entry = xgrow(commits->entry, commits->count, &commits->cap,
			       sizeof(*commits->entry));
	entry = &commits->entry[commits->count++];
	memcpy(entry->id, id, OBJECT_ID);
	entry->fate = fate;
	hash_add(&commits->table, hash_bytes(id, OBJECT_ID, 0), (uint32_t)commits->count);
}

static void commits_release(struct commits *commits)
{
	free(commits->entry);
	hash_release(&commits->table);
}

/* --- which snapshots stay --- */

struct look {
	struct prune *out;
	struct snapshot_repo *repo;
	const char *before;
	bool by_revision; /* `target`, not an instant */
	uint8_t target[OBJECT_ID];
	struct commits main; /* all of main: KEPT or DROPPED */
	struct shallow old;
};

static int find_target(struct look *look, const struct snapshot_info *tip,
		       struct err *err)
{
	struct snapshot_info info = {0};
	int64_t now, *before = &look->out->before_s;
	int rc = when_now(&now, err);
	const char *what = look->before;

	if (rc) {
		return rc;
	}
	if (strcmp(what, "now") == 0) {
		*before = tip->time_s > now ? tip->time_s : now;
		return 0;
	}
	if (when_beginning(before, what, now) == 0) {
		return *before <= now || *before <= tip->time_s
			       ? 0
			       : err_set(err, ERR_USAGE,
					 "'%s' is in the future: all but the last "
					 "snapshot "
					 "would go; for that, say --before now",
					 what);
	}
	look->by_revision = true;
	rc = when_resolve(look->repo, what, &info, before, err);
	if (!rc) {
		object_unhex(look->target, info.commit.hex);
	}
	snapshot_info_release(&info);
	return rc;
}

/* Walks main: from where the first one is found on, snapshots go. *names_parent: of the first
 * one. */
static int walk_main(struct look *look, const struct snapshot_info *tip, struct err *err)
{
	struct prune *out = look->out;
	struct history *history = history_new(look->repo);
	struct history_step step;
	uint8_t id[OBJECT_ID];
	char hex[OBJECT_HEX + 1] = "";
	bool found = false;
	int rc;

	object_unhex(id, tip->commit.hex);
	history_start(history, id);
	while ((rc = history_next(history, &step, err)) == 0) {
		add_commit(&look->main, step.commit, found ? DROPPED : KEPT);
		if (!found) {
			object_hex(hex, step.commit);
			found = look->by_revision ? memcmp(step.commit, look->target,
							   OBJECT_ID) == 0
						  : step.time_s <= out->before_s;
			if (step.has_parent && found) {
				shallow_add(&out->shallow, step.commit);
			}
		}
	}
	rc = rc == ERR_NOTFOUND ? 0 : rc;
	if (!rc && history_is_cut(history)) {
		uint8_t last[OBJECT_ID];

		memcpy(last, look->main.entry[look->main.count - 1].id, OBJECT_ID);
		if (fate_of(&look->main, last) == KEPT) {
			shallow_add(&out->shallow, last);
		}
	}
	history_free(history);
	if (!rc && look->by_revision && !found) {
		rc = err_set(
			err, ERR_NOTFOUND,
			"'%s' is no snapshot of the history of main, which is to begin "
			"with it",
			look->before);
	}
	return rc ? rc : snapshot_resolve(look->repo, hex, &out->first, err);
}

static int compare_held(const void *a, const void *b)
{
	const struct prune_held *left = a, *right = b;

	if (left->number != right->number) {
		return left->number < right->number ? -1 : 1;
	}
	return memcmp(left->commit, right->commit, OBJECT_ID);
}

/* Keeps the snapshot for its labels, if it is one of main that is to go, or that an earlier
 * pruning has left by itself. */
static int hold(struct look *look, const struct labels_entry *label, size_t count,
		struct err *err)
{
	struct prune *out = look->out;
	struct prune_held *held = &out->held[out->helds];
	struct history *history = history_new(look->repo);
	struct history_step step;
	int rc;

	history_start(history, label->commit);
	rc = history_next(history, &step, err);
	*held = (struct prune_held){.label = label, .count = count};
	if (!rc) {
		memcpy(held->commit, label->commit, OBJECT_ID);
		held->number = message_count(step.message, MESSAGE_NUMBER, 0);
		held->time_s = step.time_s;
	}
	if (!rc && (fate_of(&look->main, label->commit) == DROPPED ||
		    (held->number && !step.has_parent))) {
		out->helds++;
		/* The very first one has no parent. */
		if (step.has_parent || history_is_cut(history)) {
			shallow_add(&out->shallow, label->commit);
		}
	}
	history_free(history);
	return rc;
}

static int find_held(struct look *look, struct err *err)
{
	struct prune *out = look->out;
	const struct labels_entry *label = out->labels.entry;
	size_t count;
	int rc = 0;

	out->held = xreallocarray(NULL, out->labels.count + 1, sizeof(*out->held));
	for (size_t i = 0; !rc && i < out->labels.count; i += count) {
		labels_of(&out->labels, label[i].commit, &count);
		if (fate_of(&look->main, label[i].commit) != KEPT) {
			rc = hold(look, &label[i], count, err);
		}
	}
	qsort(out->held, out->helds, sizeof(*out->held), compare_held);
	return rc;
}

static bool is_held(const struct prune *prune, const uint8_t *id)
{
	for (size_t i = 0; i < prune->helds; i++) {
		if (memcmp(prune->held[i].commit, id, OBJECT_ID) == 0) {
			return true;
		}
	}
	return false;
}

static void count_dropped(struct look *look)
{
	struct prune *out = look->out;

	for (size_t i = 0; i < look->main.count; i++) {
		out->dropped += look->main.entry[i].fate == DROPPED;
	}
	for (size_t i = 0; i < out->helds; i++) {
		out->dropped -= fate_of(&look->main, out->held[i].commit) == DROPPED;
	}
}

/* --- what else there is --- */

/* Commits that are still to be looked at. */
struct todo {
	uint8_t (*id)[OBJECT_ID];
	size_t count, cap;
};

static void push(struct todo *todo, const uint8_t *id)
{
	todo->id = xgrow(todo->id, todo->count, &todo->cap, OBJECT_ID);
	memcpy(todo->id[todo->count++], id, OBJECT_ID);
}

static int refuse(const struct look *look, const char *ref, struct err *err)
{
	const char *path = snapshot_path(look->repo);

	return err_set(err, ERR_REFUSED,
		       "%s of '%s' leads to a snapshot that would go; give that snapshot "
		       "a label, which holds it, or remove the reference with: "
		       "git -C '%s' update-ref -d %s",
		       ref, path, path, ref);
}

/* Pushes the parents of a commit, or what a tag leads to. */
static int push_next(struct look *look, struct todo *todo, const uint8_t *id,
		     struct err *err)
{
	enum object_type type;
	struct buf body = {0};
	uint8_t next[OBJECT_ID];
	size_t size;
	int rc = objects_head(&size, &type, look->repo->objects, id, err);

	if (!rc && (type == OBJECT_COMMIT || type == OBJECT_TAG)) {
		rc = repo_object(look->repo, &body, id, type, err);
	}
	if (!rc && body.len && type == OBJECT_TAG &&
	    strncmp(body.data, "object ", 7) == 0 && object_unhex(next, body.data + 7)) {
		push(todo, next);
	}
	for (const char *at = rc || !body.len || type != OBJECT_COMMIT
				      ? NULL
				      : strchr(body.data, '\n');
	     at && strncmp(at + 1, "parent ", 7) == 0 && object_unhex(next, at + 8);
	     at = strchr(at + 1, '\n')) {
		push(todo, next);
	}
	buf_release(&body);
	return rc == ERR_NOTFOUND ? err_set(err, ERR_FAIL,
					    "an object that a reference of '%s' needs is "
					    "missing; git fsck names it",
					    snapshot_path(look->repo))
				  : rc;
}

/* Whether a reference leads to what would go, by whatever way. */
static int check_ref(struct look *look, const struct reflist_ref *ref, struct err *err)
{
	struct commits passed = {0};
	struct todo todo = {0};
	uint8_t id[OBJECT_ID];
	int rc = 0;

	object_unhex(id, ref->id);
	push(&todo, id);
	while (!rc && todo.count) {
		memcpy(id, todo.id[--todo.count], OBJECT_ID);
		if (shallow_has(&look->out->shallow, id) || is_held(look->out, id) ||
		    fate_of(&look->main, id) == KEPT || fate_of(&passed, id)) {
			continue;
		}
		add_commit(&passed, id, PASSED);
		rc = fate_of(&look->main, id) == DROPPED || shallow_has(&look->old, id)
			     ? refuse(look, ref->name, err)
			     : push_next(look, &todo, id, err);
	}
	commits_release(&passed);
	free(todo.id);
	return rc;
}

/* A label of albumen's own goes with what it is about: with its snapshot, and one that says
 * where the history begins when another one says it. */
static bool goes(const struct look *look, const struct reflist_ref *ref)
{
	uint8_t id[OBJECT_ID], first[OBJECT_ID];
	enum fate fate;

	if (strncmp(ref->name, TAGS, strlen(TAGS)) != 0 ||
	    !labels_is_own(ref->name + strlen(TAGS)) ||
	    !object_unhex(id, *ref->end ? ref->end : ref->id)) {
		return false;
	}
	fate = fate_of(&look->main, id);
	object_unhex(first, look->out->first.commit.hex);
	return fate == DROPPED || (fate == UNKNOWN && shallow_has(&look->old, id)) ||
	       (memcmp(id, first, OBJECT_ID) == 0 &&
		strncmp(ref->name + strlen(TAGS), DECLARED_PRUNED,
			strlen(DECLARED_PRUNED)) == 0);
}

static int check_refs(struct look *look, struct err *err)
{
	struct reflist list;
	int rc = reflist_read(&list, look->repo, err);

	for (size_t i = 0; !rc && i < list.count; i++) {
		if (goes(look, &list.ref[i])) {
			buf_add(&look->out->gone, list.ref[i].name,
				strlen(list.ref[i].name) + 1);
		} else {
			rc = check_ref(look, &list.ref[i], err);
		}
	}
	reflist_release(&list);
	return rc;
}

static bool is_same(const struct shallow *a, const struct shallow *b)
{
	return a->count == b->count &&
	       (!a->count || memcmp(a->id, b->id, a->count * OBJECT_ID) == 0);
}

int prune_look(struct prune *out, struct snapshot_repo *repo, const char *before,
	       struct err *err)
{
	struct look look = {.out = out, .repo = repo, .before = before};
	struct snapshot_info tip = {0};
	int rc = snapshot_head(repo, &tip, err);

	*out = (struct prune){0};
	if (rc == ERR_NOTFOUND) {
		return err_set(err, rc, "no snapshot in '%s' yet", snapshot_path(repo));
	}
	rc = rc ? rc : purge_check(repo, err);
	rc = rc ? rc : find_target(&look, &tip, err);
	rc = rc ? rc : shallow_read(&look.old, snapshot_path(repo), err);
	rc = rc ? rc : labels_read(&out->labels, repo, err);
	rc = rc ? rc : walk_main(&look, &tip, err);
	rc = rc ? rc : find_held(&look, err);
	if (!rc) {
		out->number = message_count(out->first.message, MESSAGE_NUMBER, 0);
		count_dropped(&look);
		out->nothing = is_same(&out->shallow, &look.old);
	}
	if (!rc && !out->nothing) {
		rc = check_refs(&look, err);
	}
	if (rc) {
		prune_release(out);
	}
	snapshot_info_release(&tip);
	commits_release(&look.main);
	shallow_release(&look.old);
	return rc;
}

void prune_release(struct prune *prune)
{
	snapshot_info_release(&prune->first);
	labels_release(&prune->labels);
	shallow_release(&prune->shallow);
	buf_release(&prune->gone);
	free(prune->held);
	*prune = (struct prune){0};
}

/* Whether the name is in a list of names with a NUL each. */
static bool is_listed(const struct buf *names, const char *name)
{
	for (size_t at = 0; at < names->len; at += strlen(names->data + at) + 1) {
		if (strcmp(names->data + at, name) == 0) {
			return true;
		}
	}
	return false;
}

int prune_measure(const struct prune *prune, struct reach_sum *all,
		  struct reach_sum *stays, struct snapshot_repo *repo, struct err *err)
{
	struct reach *reach = NULL;
	struct reflist list = {0};
	int rc = reflist_read(&list, repo, err);

	rc = rc ? rc : reach_open(&reach, repo, err);
	for (size_t i = 0; !rc && i < list.count; i++) {
		uint8_t id[OBJECT_ID];

		object_unhex(id, list.ref[i].id);
		if (!is_listed(&prune->gone, list.ref[i].name)) {
			rc = reach_from(reach, id, &prune->shallow, err);
		}
	}
	rc = rc ? rc : reach_sum(all, stays, reach, err);
	reach_close(reach);
	reflist_release(&list);
	return rc;
}

/* --- the change --- */

static void write_reason(struct buf *out, const struct prune *prune)
{
	char before[WHEN_TEXT];

	when_format(before, prune->before_s);
	buf_addf(out,
		 "History begins with snapshot %" PRIu64
		 ". What was before %s has been removed",
		 prune->number, before);
	if (prune->helds) {
		buf_addf(out, ", except for %zu labelled snapshot%s", prune->helds,
			 prune->helds == 1 ? "" : "s");
	}
	buf_addstr(out, ".");
}

static void declare(struct buf *out, const struct prune *prune)
{
	struct declared_pruned pruned = {.before_s = prune->before_s};

	pruned.first.number = prune->number;
	object_unhex(pruned.first.id, prune->first.commit.hex);
	for (size_t i = 0; i < prune->helds; i++) {
		declared_list_add(&pruned.held, prune->held[i].number,
				  prune->held[i].commit);
	}
	declared_pruned_write(out, &pruned);
	declared_pruned_release(&pruned);
}

/* The name of a label made at that time. */
static void name_of(struct buf *out, int64_t time_s)
{
	char text[sizeof("20261124T072711Z")];
	time_t at = time_s;
	struct tm tm = {0};

	gmtime_r(&at, &tm);
	strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ", &tm);
	buf_clear(out);
	buf_addf(out, TAGS DECLARED_PRUNED "%s", text);
}

/* Two prunings of one second get names of different seconds. */
static void choose_name(struct buf *ref, int64_t *time_s, const struct prune *prune,
			const struct reflist *list)
{
	name_of(ref, *time_s);
	while (reflist_find(list, ref->data) && !is_listed(&prune->gone, ref->data)) {
		name_of(ref, ++*time_s);
	}
}

static int check_signed(const struct prune *prune, struct snapshot_repo *repo,
			const char *key, struct err *err)
{
	char signer[SIGN_KEY];
	struct err unread;

	if (!key && sign_commit_key(signer, repo, &prune->first.commit, &unread) == 0) {
		return err_set(err, ERR_REFUSED,
			       "snapshot %" PRIu64 " is signed, and the label that says "
			       "that the history begins with it must be, too: name the "
			       "key with --sign KEY",
			       prune->number);
	}
	return 0;
}

/* References and `shallow` change at once. */
static int change(const struct prune *prune, struct snapshot_repo *repo,
		  const struct reflist *list, const char *ref, const struct buf *body,
		  struct err *err)
{
	size_t count = 0;
	struct refswap_move *move;
	struct buf dir = {0}, shallow = {0};
	struct refswap swap = {0};
	char hex[OBJECT_HEX + 1];
	uint8_t id[OBJECT_ID];
	int rc;

	buf_addf(&dir, "%s/objects/pack", snapshot_path(repo));
	pack_open(&swap.pack, dir.data, 0, NULL, NULL);
	pack_add_id(swap.pack, id, OBJECT_TAG, body->data, body->len);
	object_hex(hex, id);
	buf_addstr(&shallow, "");
	shallow_format(&shallow, &prune->shallow);
	move = xzalloc((prune->gone.len + 1) * sizeof(*move));
	move[count++] = (struct refswap_move){ref, "", hex};
	for (size_t at = 0; at < prune->gone.len;
	     at += strlen(prune->gone.data + at) + 1) {
		const char *name = prune->gone.data + at;
		const struct reflist_ref *old = reflist_find(list, name);

		if (old && strcmp(name, ref) == 0) {
			move[0].from = old->id;
		} else if (old) {
			move[count++] = (struct refswap_move){name, old->id, ""};
		}
	}
	swap.move = move;
	swap.count = count;
	swap.shallow = shallow.data;
	rc = refswap_run(repo, &swap, err);
	pack_close(swap.pack);
	free(move);
	buf_release(&dir);
	buf_release(&shallow);
	return rc;
}

int prune_run(const struct prune *prune, struct buf *label, struct purge_result *freed,
	      struct snapshot_repo *repo, const struct prune_how *how, struct err *err)
{
	struct buf reason = {0}, trailers = {0}, body = {0}, ref = {0};
	struct label tag = {.snapshot = &prune->first, .key = how->key};
	struct reflist list = {0};
	int rc = check_signed(prune, repo, how->key, err);

	*freed = (struct purge_result){0};
	rc = rc ? rc : reflist_read(&list, repo, err);
	if (!rc) {
		write_reason(&reason, prune);
		declare(&trailers, prune);
		tag.time_s = how->time_s;
		choose_name(&ref, &tag.time_s, prune, &list);
		tag.name = ref.data + strlen(TAGS);
		tag.reason = reason.data;
		tag.trailers = trailers.data;
		buf_addstr(label, tag.name);
		rc = label_write(&body, repo, &tag, err);
	}
	rc = rc ? rc : purge_begin(repo, err);
	if (!rc) {
		rc = change(prune, repo, &list, ref.data, &body, err);
		if (rc == ERR_CHANGED || rc == ERR_LOCKED) {
			purge_cancel(repo);
		}
	}
	rc = rc ? rc : purge_run(repo, freed, err);
	reflist_release(&list);
	buf_release(&reason);
	buf_release(&trailers);
	buf_release(&body);
	buf_release(&ref);
	return rc;
}
