/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/evidence/label.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "data/base/plain.h"
#include "data/base/utf8.h"
#include "data/format/json.h"
#include "exporter/evidence/digest.h"
#include "exporter/evidence/sign.h"
#include "exporter/evidence/sign_edit.h"
#include "exporter/git/advance.h"
#include "exporter/git/pack/pack.h"
#include "exporter/lookback/labels.h"
#include "exporter/lookback/when.h"
#include "exporter/snapshot/message.h"
#include "exporter/git/commit.h"
#include "exporter/git/repo.h"

#define TAGS "refs/tags/"
#define NAME_MAX_BYTES 200
#define REASON_MAX 65536

/* Whether git reads a name as something else before it looks for a tag (gitrevisions(7)),
 * in this repository or in a clone. */
static bool is_hidden(const char *name)
{
	static const char *const folder[] = {"refs/", "heads/", "tags/", "remotes/"};
	size_t len = strlen(name);

	for (size_t i = 0; i < sizeof(folder) / sizeof(*folder); i++) {
		if (strncmp(name, folder[i], strlen(folder[i])) == 0) {
			return true;
		}
	}
	/* The id of an object, with SHA-1 or with SHA-256. */
	return (len == 40 || len == 64) && strspn(name, "0123456789abcdefABCDEF") == len;
}

static const char *name_fault(const char *name, bool own)
{
	size_t len = strlen(name);

	if (len == 0 || len > NAME_MAX_BYTES) {
		return len ? "is too long" : "is empty";
	}
	if (!json_is_utf8(name, len)) {
		return "is not UTF-8";
	}
	if (!plain_is(name, len)) {
		return "has a character that is not visible or changes how others are "
		       "shown";
	}
	/* "@" and "HEAD" are other snapshots. */
	if (!repo_tag_is_valid(name) || strcmp(name, "@") == 0 ||
	    strcmp(name, "HEAD") == 0) {
		return "is not a name that git takes; see git-check-ref-format(1)";
	}
	if (is_hidden(name)) {
		return "reads as the id or the reference of something else, so --at and "
		       "git could not find it";
	}
	if (!own && labels_is_own(name)) {
		return "is of a kind that albumen keeps for itself: no label begins with "
		       "pruned/ or erased/";
	}
	return NULL;
}

/* A label that is called like the branch, or like the beginning of a commit's id, would
 * take that name from it: git prefers the tag. */
static int check_free(struct snapshot_repo *repo, const char *name, struct err *err)
{
	struct snapshot_info info = {0};
	struct err unread;
	int rc = snapshot_resolve(repo, name, &info, &unread);

	if (rc == 0) {
		err_set(err, ERR_REFUSED,
			"'%s' already means snapshot %s, and with a label of that name "
			"it would mean another one; choose another name",
			name, info.commit.hex);
	}
	snapshot_info_release(&info);
	return rc == 0 ? ERR_REFUSED : 0;
}

static int check_name(struct snapshot_repo *repo, const char *name, bool own,
		      struct err *err)
{
	const char *fault = name_fault(name, own);
	struct buf tags = {0};
	int64_t instant;
	int rc = 0;

	if (fault) {
		return err_set(err, ERR_USAGE, "the label '%s' %s", name, fault);
	}
	if (when_instant(&instant, name, 0) == 0) {
		return err_set(
			err, ERR_USAGE,
			"the label '%s' reads as a time, so --at could not find it",
			name);
	}
	rc = repo_tags(repo, &tags, err);
	for (size_t at = 0; !rc && at < tags.len;) {
		const char *tag = tags.data + at;
		size_t tag_len = strlen(tag), name_len = strlen(name);
		size_t common = tag_len < name_len ? tag_len : name_len;

		if (strcmp(tag, name) == 0) {
			rc = err_set(err, ERR_REFUSED,
				     "there is a label '%s' already, and labels are "
				     "never moved",
				     name);
		} else if (tag_len != name_len && memcmp(tag, name, common) == 0 &&
			   (tag_len < name_len ? name : tag)[common] == '/') {
			rc = err_set(err, ERR_REFUSED,
				     "the label '%s' cannot be beside '%s': one would be "
				     "a folder of the other",
				     name, tag);
		}
		at += tag_len + 1;
	}
	buf_release(&tags);
	return rc ? rc : check_free(repo, name, err);
}

/* *len: of the reason, without white space at its end. */
static int check_reason(size_t *len, const char *reason, struct err *err)
{
	const char *fault = NULL;

	*len = strlen(reason);
	while (*len && strchr(" \t\n", reason[*len - 1])) {
		(*len)--;
	}
	if (strspn(reason, " \t\n") >= *len) {
		fault = "is empty";
	} else if (*len > REASON_MAX) {
		fault = "is too long";
	} else if (!json_is_utf8(reason, *len)) {
		fault = "is not UTF-8";
	}
	for (size_t i = 0; !fault && i < *len; i++) {
		if (!strchr("\t\n", reason[i]) && utf8_is_control(reason + i)) {
			fault = "has a control character";
		} else if ((i == 0 || reason[i - 1] == '\n') &&
			   strncmp(reason + i, "-----BEGIN ", 11) == 0) {
			/* git would read it as the tag's signature. */
			fault = "has a line that begins with -----BEGIN";
		}
	}
	return fault ? err_set(err, ERR_USAGE, "the reason %s", fault) : 0;
}

static int write_message(struct buf *out, struct snapshot_repo *repo,
			 const struct label *label, size_t reason_len, struct err *err)
{
	const struct snapshot_info *info = label->snapshot;
	uint64_t number = message_count(info->message, MESSAGE_NUMBER, 0);
	struct buf said = {0}, is = {0};
	int rc = 0;

	buf_add(out, label->reason, reason_len);
	buf_addstr(out, "\n");
	if (number || label->key || label->trailers) {
		buf_addstr(out, "\n");
	}
	buf_addstr(out, label->trailers ? label->trailers : "");
	if (number) {
		buf_addf(out, MESSAGE_NUMBER ": %" PRIu64 "\n", number);
	}
	if (label->key && label->sha256) {
		buf_addstr(&is, label->sha256);
	} else if (label->key) {
		rc = sign_digest(&is, repo, &info->tree, err);
	}
	if (!rc && label->key) {
		buf_addf(out, DIGEST_TRAILER ": %s\n", is.data);
		if (commit_trailer(info->message, DIGEST_TRAILER, &said) == 0 &&
		    strcmp(said.data, is.data) != 0) {
			rc = err_set(err, ERR_FAIL,
				     "snapshot %s says that the SHA-256 of its tree is "
				     "%s, but it is %s; `albumen-exporter verify` "
				     "checks the whole repository",
				     info->commit.hex, said.data, is.data);
		}
	}
	buf_release(&said);
	buf_release(&is);
	return rc;
}

int label_write(struct buf *body, struct snapshot_repo *repo, const struct label *label,
		struct err *err)
{
	const struct snapshot_info *info = label->snapshot;
	int64_t time_s = label->time_s < info->time_s ? info->time_s : label->time_s;
	size_t reason_len;
	int rc = check_reason(&reason_len, label->reason, err);

	if (rc) {
		return rc;
	}
	buf_addf(body, "object %s\ntype commit\ntag %s\ntagger %s %" PRId64 " +0000\n\n",
		 info->commit.hex, label->name, COMMIT_AUTHOR, time_s);
	rc = write_message(body, repo, label, reason_len, err);
	if (!rc && label->key) {
		rc = sign_body(body, OBJECT_TAG, label->key, err);
	}
	return rc;
}

static int store(uint8_t id[OBJECT_ID], struct snapshot_repo *repo, const char *ref,
		 const struct buf *body, struct err *err)
{
	struct buf dir = {0};
	struct pack *pack;
	int rc;

	buf_addf(&dir, "%s/objects/pack", snapshot_path(repo));
	pack_open(&pack, dir.data, 0, NULL, NULL);
	pack_add_id(pack, id, OBJECT_TAG, body->data, body->len);
	rc = advance_ref(repo, pack, ref, NULL, id, err);
	pack_close(pack);
	buf_release(&dir);
	return rc;
}

int label_make(struct snapshot_id *tag, struct snapshot_repo *repo,
	       const struct label *label, struct err *err)
{
	struct buf body = {0}, ref = {0};
	uint8_t id[OBJECT_ID];
	int rc = check_name(repo, label->name, label->trailers != NULL, err);

	assert(!label->trailers || labels_is_own(label->name));
	rc = rc ? rc : label_write(&body, repo, label, err);
	buf_addf(&ref, TAGS "%s", label->name);
	rc = rc ? rc : store(id, repo, ref.data, &body, err);
	if (!rc) {
		object_hex(tag->hex, id);
	}
	buf_release(&body);
	buf_release(&ref);
	return rc;
}
