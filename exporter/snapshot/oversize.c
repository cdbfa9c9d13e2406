/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/snapshot/oversize.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "exporter/git/commit.h"
#include "exporter/snapshot/response.h"

static const char *text_of(const struct oversize *oversize, size_t number)
{
	return oversize->text.data + oversize->path[number].at;
}

/* The path's number, from 1 on; 0: it never was in the set. */
static uint32_t find(const struct oversize *oversize, const char *path, size_t len,
		     uint32_t hash)
{
	size_t at = 0;
	uint32_t n;

	while ((n = hash_next(&oversize->table, hash, &at))) {
		const char *known = text_of(oversize, n - 1);

		if (strncmp(known, path, len) == 0 && !known[len]) {
			break;
		}
	}
	return n;
}

static void set(struct oversize *oversize, const char *path, size_t len, bool in)
{
	uint32_t hash, n;

	/* Nearly always the set is empty, and stays so. */
	if (!oversize->paths && !in) {
		return;
	}
	hash = hash_bytes(path, len, 0);
	n = find(oversize, path, len, hash);
	if (!n && in) {
		oversize->path = xgrow(oversize->path, oversize->paths, &oversize->cap,
				       sizeof(*oversize->path));
		oversize->path[oversize->paths++] =
			(struct oversize_path){.at = oversize->text.len};
		buf_add(&oversize->text, path, len);
		buf_addch(&oversize->text, '\0');
		n = (uint32_t)oversize->paths;
		hash_add(&oversize->table, hash, n);
	}
	if (n) {
		struct oversize_path *row = &oversize->path[n - 1];

		oversize->count += in && !row->in;
		oversize->count -= !in && row->in;
		row->in = in;
	}
}

void oversize_set(struct oversize *oversize, const char *path, bool in)
{
	set(oversize, path, strlen(path), in);
}

void oversize_read(struct oversize *oversize, const char *message)
{
	struct commit_trailers trailers = {0};
	struct buf path = {0};

	if (message && strstr(message, OVERSIZE_TRAILER)) {
		trailers = commit_trailers(message);
	}
	while (trailers.at && commit_trailers_next(&trailers, OVERSIZE_TRAILER, &path)) {
		set(oversize, path.data, path.len, true);
	}
	buf_release(&path);
}

bool oversize_has(const struct oversize *oversize, const char *path)
{
	size_t len = strlen(path);
	uint32_t n =
		oversize->count ? find(oversize, path, len, hash_bytes(path, len, 0)) : 0;

	return n && oversize->path[n - 1].in;
}

const char *oversize_next(const struct oversize *oversize, size_t *at)
{
	while (*at < oversize->paths) {
		size_t n = (*at)++;

		if (oversize->path[n].in) {
			return text_of(oversize, n);
		}
	}
	return NULL;
}

static int by_text(const void *a, const void *b)
{
	const char *const *left = a, *const *right = b;

	return strcmp(*left, *right);
}

void oversize_write(struct buf *out, const struct oversize *oversize)
{
	const char **sorted = xreallocarray(NULL, oversize->count, sizeof(*sorted));
	const char *path;
	size_t at = 0, n = 0;

	while ((path = oversize_next(oversize, &at))) {
		sorted[n++] = path;
	}
	if (n) {
		qsort(sorted, n, sizeof(*sorted), by_text);
	}
	for (size_t i = 0; i < n; i++) {
		buf_addf(out, OVERSIZE_TRAILER ": %s\n", sorted[i]);
	}
	free(sorted);
}

void oversize_clear(struct oversize *oversize)
{
	oversize->count = oversize->paths = 0;
	buf_clear(&oversize->text);
	hash_clear(&oversize->table);
}

void oversize_release(struct oversize *oversize)
{
	buf_release(&oversize->text);
	free(oversize->path);
	hash_release(&oversize->table);
	*oversize = (struct oversize){0};
}

void oversize_add_mark(struct buf *out, const char *site_path)
{
	static const char json[] = ".json";
	size_t len = strlen(site_path) - strlen(json);

	assert(strcmp(site_path + len, json) == 0);
	buf_add(out, site_path, len);
	buf_addstr(out, ".oversize");
}

bool oversize_site_path(struct buf *out, const char *snapshot_path)
{
	struct buf path = {0};
	bool found = response_from_snapshot(&path, snapshot_path) != NULL;

	if (found) {
		oversize_add_mark(out, path.data);
	}
	buf_release(&path);
	return found;
}
