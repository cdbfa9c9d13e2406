/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/repo_note.h"

#include <errno.h>
#include <string.h>

#include "data/base/file.h"
#include "exporter/git/pack/packset.h"
#include "exporter/git/reflock.h"
#include "exporter/git/repo_folder.h"

#define NOTE "albumen-exporter.packs"
/* About 200,000 held snapshots, before and after. */
#define NOTE_MAX ((size_t)32 << 20)

/* Copies the next line of *lines, which then points behind it. False: there is none. */
static bool next_line(struct buf *line, const char **lines)
{
	size_t len;

	if (!*lines || !**lines) {
		return false;
	}
	len = strcspn(*lines, "\n");
	buf_clear(line);
	buf_add(line, *lines, len);
	*lines += len + ((*lines)[len] == '\n');
	return true;
}

static bool has_idx(const char *path, const char *pack)
{
	struct buf idx = {0};
	bool found;

	buf_addf(&idx, "objects/pack/%s.idx", pack);
	found = repo_folder_has(path, idx.data);
	buf_release(&idx);
	return found;
}

void repo_note_only_new(struct buf *packs, const char *path)
{
	struct buf new = {0}, name = {0};
	const char *line = packs->data;

	buf_addstr(&new, "");
	while (next_line(&name, &line)) {
		if (!has_idx(path, name.data)) {
			buf_addf(&new, "%s\n", name.data);
		}
	}
	buf_release(packs);
	*packs = new;
	buf_release(&name);
}

/* Appends each line of `text` behind the word. */
static void add_lines(struct buf *out, const char *word, const struct buf *text)
{
	const char *lines = text->data;
	struct buf line = {0};

	while (next_line(&line, &lines)) {
		buf_addf(out, "%s %s\n", word, line.data);
	}
	buf_release(&line);
}

/* "ref NAME FROM TO" if a reference moves; "swap" and, for each line of `shallow`, "was ID" and
 * "shallow ID", if several do; the names of the packs, "end": a line each. */
int repo_note_write(const char *path, const struct repo_note *note, struct err *err)
{
	struct buf file = {0}, text = {0};
	int rc;

	if (note->ref.len) {
		buf_addf(&text, "ref %s %s %s\n", note->ref.data,
			 *note->from ? note->from : "-", note->to);
	}
	if (note->swap) {
		buf_addstr(&text, "swap\n");
		add_lines(&text, "was", &note->shallow_from);
		add_lines(&text, "shallow", &note->shallow_to);
	}
	buf_add(&text, note->packs.data, note->packs.len);
	buf_addstr(&text, "end\n");
	if (text.len > NOTE_MAX) {
		/* Recovery could not read it. */
		rc = err_set(err, ERR_REFUSED,
			     "'%s' holds too many snapshots by labels for one step; "
			     "remove some of the labels",
			     path);
	} else if (note->ref.len && !note->swap) {
		rc = repo_folder_write(path, NOTE, text.data, text.len, err);
	} else {
		buf_addf(&file, "%s/" NOTE, path);
		rc = file_replace(file.data, text.data, text.len, err);
	}
	buf_release(&file);
	buf_release(&text);
	return rc;
}

bool repo_note_exists(const char *path)
{
	return repo_folder_has(path, NOTE);
}

/* Parses the first line of *lines, if it is about a reference, and moves on. */
static void parse_ref(struct repo_note *note, const char **lines)
{
	const char *eol = strchr(*lines, '\n');
	const char *ref = *lines + strlen("ref "), *from, *to;

	if (strncmp(*lines, "ref ", strlen("ref ")) != 0 || !eol) {
		return;
	}
	from = memchr(ref, ' ', (size_t)(eol - ref));
	to = from ? memchr(from + 1, ' ', (size_t)(eol - from - 1)) : NULL;
	if (!to || eol - to - 1 != OBJECT_HEX ||
	    (to - from - 1 != OBJECT_HEX && to - from - 1 != 1) ||
	    (strncmp(ref, "refs/heads/", strlen("refs/heads/")) != 0 &&
	     strncmp(ref, "refs/tags/", strlen("refs/tags/")) != 0)) {
		return;
	}
	buf_add(&note->ref, ref, (size_t)(from - ref));
	if (from[1] != '-') {
		memcpy(note->from, from + 1, OBJECT_HEX);
	}
	memcpy(note->to, to + 1, OBJECT_HEX);
	*lines = eol + 1;
}

/* Parses the lines that begin with the word, and moves on. */
static void parse_lines(struct buf *text, const char *word, const char **lines)
{
	size_t len = strlen(word);
	struct buf line = {0};

	while (strncmp(*lines, word, len) == 0 && (*lines)[len] == ' ' &&
	       next_line(&line, lines)) {
		buf_addf(text, "%s\n", line.data + len + 1);
	}
	buf_release(&line);
}

static void parse_swap(struct repo_note *note, const char **lines)
{
	static const char swap[] = "swap\n";

	if (note->ref.len && strncmp(*lines, swap, strlen(swap)) == 0) {
		note->swap = true;
		*lines += strlen(swap);
		parse_lines(&note->shallow_from, "was", lines);
		parse_lines(&note->shallow_to, "shallow", lines);
	}
}

int repo_note_read(struct repo_note *out, const char *path, struct err *err)
{
	static const char end[] = "end\n";
	size_t end_len = sizeof(end) - 1;
	struct buf file = {0}, text = {0};
	const char *lines;
	struct err why;
	int rc;

	*out = (struct repo_note){0};
	buf_addf(&file, "%s/" NOTE, path);
	rc = file_read(&text, file.data, NOTE_MAX, &why);
	if (!rc && text.len >= end_len &&
	    strcmp(text.data + text.len - end_len, end) == 0 &&
	    (text.len == end_len || text.data[text.len - end_len - 1] == '\n')) {
		buf_setlen(&text, text.len - end_len);
		lines = text.data;
		parse_ref(out, &lines);
		parse_swap(out, &lines);
		buf_addstr(&out->packs, lines);
	}
	if (rc == ERR_INPUT) {
		rc = 0; /* too long, or no regular file: a note that says nothing */
	} else if (rc && rc != ERR_NOTFOUND && err) {
		*err = why;
	}
	buf_release(&file);
	buf_release(&text);
	return rc;
}

void repo_note_release(struct repo_note *note)
{
	buf_release(&note->ref);
	buf_release(&note->packs);
	buf_release(&note->shallow_from);
	buf_release(&note->shallow_to);
}

int repo_note_keep(const char *path, const char *packs, struct err *err)
{
	struct buf name = {0}, file = {0};
	int rc = 0;

	while (!rc && next_line(&name, &packs)) {
		buf_clear(&file);
		buf_addf(&file, "%s/objects/pack/%s.keep", path, name.data);
		if (reflock_mark(path, file.data) < 0 && errno != EEXIST) {
			rc = err_sys(err, "cannot make '%s'", file.data);
		}
	}
	buf_release(&name);
	buf_release(&file);
	return rc;
}

/* Removes what is to go of one pack; the .keep last, as it keeps git from the pack. */
static int remove_pack(const char *path, const struct buf *name, unsigned flags,
		       struct err *err)
{
	struct buf file = {0};
	int rc = 0;

	buf_addf(&file, "%s/objects/pack", path);
	if ((flags & REPO_NOTE_PACKS) || !has_idx(path, name->data)) {
		rc = packset_remove(file.data, name->data, err);
	}
	buf_addf(&file, "/%s.keep", name->data);
	if (!rc && (flags & REPO_NOTE_KEEP)) {
		rc = repo_folder_remove(file.data, err);
	}
	buf_release(&file);
	return rc;
}

int repo_note_remove(const char *path, const char *packs, unsigned flags, struct err *err)
{
	struct buf name = {0}, file = {0};
	int rc = 0;

	while (!rc && next_line(&name, &packs)) {
		if (packset_is_name(name.data, name.len)) {
			rc = remove_pack(path, &name, flags, err);
		}
	}
	buf_addf(&file, "%s/" NOTE, path);
	rc = rc ? rc : repo_folder_remove(file.data, err);
	buf_release(&name);
	buf_release(&file);
	return rc;
}
