/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "data/base/file.h"
#include "exporter/git/snapshot_inner.h"

static int parse_id(uint8_t id[OBJECT_ID], const struct snapshot_id *hex, struct err *err)
{
	if (!object_unhex(id, hex->hex) || hex->hex[OBJECT_HEX]) {
		return err_set(err, ERR_INPUT, "'%.40s' is not the id of an object",
			       hex->hex);
	}
	return 0;
}

int snapshot_trailer(const char *message, const char *name, struct buf *value)
{
	size_t name_len = strlen(name);
	const char *end = message + strlen(message);
	const char *found = NULL, *paragraph = NULL;

	while (end > message && (end[-1] == '\n' || end[-1] == ' ')) {
		end--;
	}
	for (const char *p = message; p + 1 < end; p++) {
		if (p[0] == '\n' && p[1] == '\n') {
			paragraph = p + 2;
		}
	}
	for (const char *p = paragraph; p && p < end;) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));

		eol = eol ? eol : end;
		if ((size_t)(eol - p) > name_len && p[name_len] == ':' &&
		    memcmp(p, name, name_len) == 0) {
			found = p + name_len + 1;
		}
		p = eol + 1;
	}
	if (!found) {
		return ERR_NOTFOUND;
	}
	while (found < end && *found == ' ') {
		found++;
	}
	buf_add(value, found, strcspn(found, "\n"));
	while (value->len && value->data[value->len - 1] == ' ') {
		buf_setlen(value, value->len - 1);
	}
	return 0;
}

bool snapshot_is_shallow(struct snapshot_repo *repo, const uint8_t commit[OBJECT_ID])
{
	struct buf path = {0}, text = {0};
	char hex[OBJECT_HEX + 1];
	bool found;

	object_hex(hex, commit);
	buf_addf(&path, "%s/shallow", snapshot_path(repo));
	found = file_read(&text, path.data, (size_t)16 << 20, NULL) == 0 && text.len &&
		strstr(text.data, hex);
	buf_release(&path);
	buf_release(&text);
	return found;
}

int snapshot_read(struct snapshot_repo *repo, const struct snapshot_id *tree,
		  const char *path, struct buf *out, struct err *err)
{
	struct tree_store store = {.read = snapshot_tree, .payload = repo};
	uint8_t root[OBJECT_ID], blob[OBJECT_ID];
	int rc = parse_id(root, tree, err);

	if (!rc) {
		rc = tree_find(blob, &store, root, path, err);
	}
	return rc ? rc : snapshot_object(repo, out, blob, OBJECT_BLOB, err);
}

int snapshot_read_blob(struct snapshot_repo *repo, const struct snapshot_id *id,
		       struct buf *out, struct err *err)
{
	uint8_t blob[OBJECT_ID];
	int rc = parse_id(blob, id, err);

	return rc ? rc : snapshot_object(repo, out, blob, OBJECT_BLOB, err);
}

struct relay {
	snapshot_change_fn *each;
	void *payload;
};

static int relay_change(const char *path, const uint8_t *old_blob,
			const uint8_t *new_blob, void *payload)
{
	struct relay *relay = payload;
	struct snapshot_change change = {.path = path};

	if (old_blob) {
		object_hex(change.old_blob.hex, old_blob);
	}
	if (new_blob) {
		object_hex(change.new_blob.hex, new_blob);
	}
	return relay->each(&change, relay->payload);
}

static int diff_paths(struct snapshot_repo *repo, const struct snapshot_id *from,
		      const struct snapshot_id *to, const struct tree_paths *paths,
		      struct relay *relay, struct err *err)
{
	struct tree_store store = {.read = snapshot_tree, .payload = repo};
	uint8_t old[OBJECT_ID], new[OBJECT_ID];
	bool has_old = from && *from->hex;
	int rc = parse_id(new, to, err);

	if (!rc && has_old) {
		rc = parse_id(old, from, err);
	}
	return rc ? rc
		  : tree_diff_paths(&store, has_old ? old : NULL, new, paths,
				    relay_change, relay, err);
}

int snapshot_diff(struct snapshot_repo *repo, const struct snapshot_id *from,
		  const struct snapshot_id *to, snapshot_change_fn *each, void *payload,
		  struct err *err)
{
	struct relay relay = {.each = each, .payload = payload};

	return diff_paths(repo, from, to, NULL, &relay, err);
}

int snapshot_diff_paths(struct snapshot_repo *repo, const struct snapshot_id *from,
			const struct snapshot_id *to, const char *const *path,
			size_t count, snapshot_change_fn *each, void *payload,
			struct err *err)
{
	struct tree_paths paths = {.path = path, .count = count};
	struct relay relay = {.each = each, .payload = payload};

	return diff_paths(repo, from, to, &paths, &relay, err);
}
