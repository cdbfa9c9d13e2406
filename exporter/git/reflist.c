/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/reflist.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/file.h"
#include "exporter/git/pack/objects.h"
#include "exporter/git/repo_refs.h"

/* repo_refs_check refuses what is larger. */
#define TEXT_MAX ((size_t)17 << 20)
/* What is behind a reference is known, if the header says so. */
#define HEADER "# pack-refs with: peeled fully-peeled sorted "

static struct reflist_ref *add(struct reflist *list, const char *name, size_t len)
{
	struct reflist_ref *ref;

	list->ref = xgrow(list->ref, list->count, &list->cap, sizeof(*list->ref));
	ref = &list->ref[list->count++];
	*ref = (struct reflist_ref){.name = xmemdup0(name, len)};
	return ref;
}

static int compare(const void *a, const void *b)
{
	const struct reflist_ref *x = a, *y = b;

	return strcmp(x->name, y->name);
}

struct reflist_ref *reflist_find(const struct reflist *list, const char *name)
{
	struct reflist_ref key = {.name = (char *)name};

	return list->count ? bsearch(&key, list->ref, list->count, sizeof(key), compare)
			   : NULL;
}

/* A line of packed-refs: "ID NAME", or "^ID" about the line before; false: neither. *last is the number of the
 * reference that the line before was about, and 1; or 0. */
static bool read_line(struct reflist *list, size_t *last, const char *line, size_t len)
{
	uint8_t id[OBJECT_ID];

	if (*line == '#') {
		return true;
	}
	len -= len && line[len - 1] == '\r';

	if (len == OBJECT_HEX + 1 && *line == '^' && *last &&
	    object_unhex(id, line + 1)) {
		memcpy(list->ref[*last - 1].end, line + 1, OBJECT_HEX);
		*last = 0;
		return true;
	}
	*last = 0;
	if (len > OBJECT_HEX + 1 && object_unhex(id, line) && line[OBJECT_HEX] == ' ') {
		memcpy(add(list, line + OBJECT_HEX + 1, len - OBJECT_HEX - 1)->id, line,
		       OBJECT_HEX);
		*last = list->count;
	}
	return *last;
}

static int damaged(const char *path, struct err *err)
{
	return err_set(err, ERR_INPUT,
		       "'%s' is damaged: it does not say which object a reference is at; "
		       "restore it from a copy, or move it away",
		       path);
}

static int read_packed(struct reflist *list, const char *repo, struct err *err)
{
	struct buf path = {0}, text = {0};
	size_t last = 0;
	int rc;

	buf_addf(&path, "%s/packed-refs", repo);
	rc = file_read(&text, path.data, TEXT_MAX, err);
	for (size_t at = 0; !rc && at < text.len;) {
		size_t len = strcspn(text.data + at, "\n");

		if (!read_line(list, &last, text.data + at, len)) {
			rc = damaged(path.data, err);
		}
		at += len + 1;
	}
	buf_release(&path);
	buf_release(&text);
	if (list->count) {
		qsort(list->ref, list->count, sizeof(*list->ref), compare);
	}
	return rc == ERR_NOTFOUND ? 0 : rc;
}

/* Reads the file of a reference into *loose. */
static int read_loose(struct reflist *loose, const char *path, const char *name,
		      struct err *err)
{
	struct buf text = {0};
	uint8_t id[OBJECT_ID];
	int rc = file_read(&text, path, TEXT_MAX, err);

	if (!rc && text.len && strncmp(text.data, "ref:", 4) == 0) {
		/* What it leads to is listed by itself. */
	} else if (!rc && text.len >= OBJECT_HEX && object_unhex(id, text.data) &&
		   strspn(text.data + OBJECT_HEX, " \t\r\n") == text.len - OBJECT_HEX) {
		struct reflist_ref *ref = add(loose, name, strlen(name));

		memcpy(ref->id, text.data, OBJECT_HEX);
		ref->loose = true;
	} else if (!rc) {
		rc = damaged(path, err);
	}
	buf_release(&text);
	return rc == ERR_NOTFOUND ? 0 : rc;
}

static bool is_lock(const char *name)
{
	size_t len = strlen(name);

	return len > 5 && strcmp(name + len - 5, ".lock") == 0;
}

static int walk_loose(struct reflist *loose, const char *repo, struct err *err)
{
	struct buf top = {0};
	char *roots[2] = {NULL, NULL};
	FTSENT *entry;
	FTS *walk;
	int rc = 0;

	buf_addf(&top, "%s/refs", repo);
	roots[0] = top.data;
	walk = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
	if (!walk) {
		rc = err_sys(err, "cannot read folder '%s'", top.data);
	}
	while (!rc && (errno = 0, entry = fts_read(walk))) {
		if (entry->fts_info == FTS_F && !is_lock(entry->fts_name)) {
			rc = read_loose(loose, entry->fts_path,
					entry->fts_path + strlen(repo) + 1, err);
		} else if (entry->fts_info == FTS_SL || entry->fts_info == FTS_SLNONE ||
			   entry->fts_info == FTS_DEFAULT) {
			rc = damaged(entry->fts_path, err);
		} else if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR ||
			   entry->fts_info == FTS_NS) {
			errno = entry->fts_errno;
			rc = errno == ENOENT
				     ? 0
				     : err_sys(err, "cannot read '%s'", entry->fts_path);
		}
	}
	if (!rc && errno) {
		rc = err_sys(err, "cannot read folder '%s'", top.data);
	}
	if (walk) {
		fts_close(walk);
	}
	buf_release(&top);
	return rc;
}

/* Sets what the reference leads to. Objects that cannot be read lead nowhere: so git does it. */
static void look_up(struct reflist_ref *ref, struct snapshot_repo *repo)
{
	enum object_type type = OBJECT_TAG;
	char at[OBJECT_HEX + 1];
	struct buf body = {0};
	uint8_t id[OBJECT_ID];
	size_t size;

	memcpy(at, ref->id, sizeof(at));
	*ref->end = '\0';
	for (unsigned i = 0; i <= REPO_TAGS_MAX && object_unhex(id, at); i++) {
		if (objects_head(&size, &type, repo->objects, id, NULL) ||
		    type != OBJECT_TAG) {
			break;
		}
		buf_clear(&body);
		if (objects_read(&body, &type, repo->objects, id, NULL) ||
		    body.len < 7 + OBJECT_HEX || memcmp(body.data, "object ", 7) != 0 ||
		    !object_unhex(id, body.data + 7)) {
			break;
		}
		memcpy(at, body.data + 7, OBJECT_HEX);
		memcpy(ref->end, at, sizeof(at));
	}
	buf_release(&body);
}

/* The files of their own take the place of packed references, or join them. */
static void merge(struct reflist *list, struct reflist *loose)
{
	size_t packed = list->count;

	for (size_t i = 0; i < loose->count; i++) {
		struct reflist sorted = {.ref = list->ref, .count = packed};
		struct reflist_ref *old = reflist_find(&sorted, loose->ref[i].name);

		if (old) {
			if (strcmp(old->id, loose->ref[i].id) != 0) {
				memcpy(old->id, loose->ref[i].id, sizeof(old->id));
				*old->end = '\0';
			}
			old->loose = true;
		} else {
			struct reflist_ref *new =
				add(list, loose->ref[i].name, strlen(loose->ref[i].name));

			memcpy(new->id, loose->ref[i].id, sizeof(new->id));
			new->loose = true;
		}
	}
	if (list->count) {
		qsort(list->ref, list->count, sizeof(*list->ref), compare);
	}
}

int reflist_read(struct reflist *out, struct snapshot_repo *repo, struct err *err)
{
	struct reflist loose = {0};
	int rc = repo_refs_check(repo->path, err);

	*out = (struct reflist){0};
	/* Files first: git packs a reference before it removes the file. */
	rc = rc ? rc : walk_loose(&loose, repo->path, err);
	rc = rc ? rc : read_packed(out, repo->path, err);
	if (!rc) {
		merge(out, &loose);
		for (size_t i = 0; i < out->count; i++) {
			if (!*out->ref[i].end) {
				look_up(&out->ref[i], repo);
			}
		}
	}
	reflist_release(&loose);
	return rc;
}

int reflist_set(struct reflist *list, struct snapshot_repo *repo, const char *name,
		const char *id, struct err *err)
{
	struct reflist_ref *ref = reflist_find(list, name);
	uint8_t raw[OBJECT_ID];

	if (*id && !object_unhex(raw, id)) {
		return err_set(err, ERR_INPUT, "'%.40s' is not the id of an object", id);
	}
	if (!*id && ref) {
		free(ref->name);
		memmove(ref, ref + 1,
			(size_t)(list->ref + list->count - ref - 1) * sizeof(*ref));
		list->count--;
	} else if (*id) {
		bool is_new = !ref;

		ref = ref ? ref : add(list, name, strlen(name));
		memcpy(ref->id, id, sizeof(ref->id));
		look_up(ref, repo);
		if (is_new) {
			qsort(list->ref, list->count, sizeof(*list->ref), compare);
		}
	}
	return 0;
}

bool reflist_is_same(const struct reflist *a, const struct reflist *b)
{
	for (size_t i = 0; i < a->count && i < b->count; i++) {
		if (strcmp(a->ref[i].name, b->ref[i].name) != 0 ||
		    strcmp(a->ref[i].id, b->ref[i].id) != 0) {
			return false;
		}
	}
	return a->count == b->count;
}

void reflist_print(struct buf *out, const struct reflist *list)
{
	buf_addstr(out, HEADER "\n");
	for (size_t i = 0; i < list->count; i++) {
		const struct reflist_ref *ref = &list->ref[i];

		buf_addf(out, "%s %s\n", ref->id, ref->name);
		if (*ref->end) {
			buf_addf(out, "^%s\n", ref->end);
		}
	}
}

void reflist_release(struct reflist *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->ref[i].name);
	}
	free(list->ref);
	*list = (struct reflist){0};
}
