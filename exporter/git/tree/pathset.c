/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/tree/pathset.h"

#include <stdlib.h>
#include <string.h>

void pathset_add(struct pathset *paths, const char *path)
{
	paths->path = xgrow(paths->path, paths->count, &paths->cap, sizeof(*paths->path));
	paths->path[paths->count++] = xstrdup(path);
}

void pathset_clear(struct pathset *paths)
{
	while (paths->count) {
		free(paths->path[--paths->count]);
	}
	paths->sorted = 0;
}

void pathset_release(struct pathset *paths)
{
	pathset_clear(paths);
	free(paths->path);
	*paths = (struct pathset){0};
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort(struct pathset *paths)
{
	size_t kept = 0;

	if (paths->sorted == paths->count) {
		return;
	}
	qsort(paths->path, paths->count, sizeof(*paths->path), compare);
	for (size_t i = 0; i < paths->count; i++) {
		if (kept && strcmp(paths->path[kept - 1], paths->path[i]) == 0) {
			free(paths->path[i]);
		} else {
			paths->path[kept++] = paths->path[i];
		}
	}
	paths->count = paths->sorted = kept;
}

int pathset_diff(struct pathset *paths, const struct tree_store *store,
		 tree_fault_fn *fault, const uint8_t *from, const uint8_t *to,
		 tree_diff_fn *each, void *payload, struct err *err)
{
	struct tree_paths only;

	sort(paths);
	only = (struct tree_paths){.path = (const char *const *)paths->path,
				   .count = paths->count};
	return tree_diff_paths(store, fault, from, to, &only, each, payload, err);
}
