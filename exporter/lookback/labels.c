/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/lookback/labels.h"

#include <stdlib.h>
#include <string.h>

#include "data/base/buf.h"
#include "exporter/git/repo.h"

static int compare(const void *left, const void *right)
{
	const struct labels_entry *a = left, *b = right;
	int order = memcmp(a->commit, b->commit, OBJECT_ID);

	return order ? order : strcmp(a->name, b->name);
}

static int add(struct labels *labels, struct snapshot_repo *repo, const char *name,
	       struct err *err)
{
	struct labels_entry *entry = &labels->entry[labels->count];
	struct buf ref = {0};
	int rc;

	buf_addf(&ref, "refs/tags/%s", name);
	rc = repo_ref_commit(entry->commit, repo, ref.data, err);
	if (!rc) {
		entry->name = xstrdup(name);
		labels->count++;
	}
	buf_release(&ref);
	/* ERR_NOTFOUND: it leads to something other than a commit. */
	return rc == ERR_NOTFOUND ? 0 : rc;
}

int labels_read(struct labels *out, struct snapshot_repo *repo, struct err *err)
{
	struct buf names = {0};
	int rc = repo_tags(repo, &names, err);
	size_t count = 0;

	*out = (struct labels){0};
	for (size_t i = 0; i < names.len; i++) {
		count += names.data[i] == '\0';
	}
	out->entry = xreallocarray(NULL, count + 1, sizeof(*out->entry));
	for (size_t at = 0; !rc && at < names.len;) {
		rc = add(out, repo, names.data + at, err);
		at += strlen(names.data + at) + 1;
	}
	qsort(out->entry, out->count, sizeof(*out->entry), compare);
	buf_release(&names);
	return rc;
}

void labels_release(struct labels *labels)
{
	for (size_t i = 0; i < labels->count; i++) {
		free(labels->entry[i].name);
	}
	free(labels->entry);
	*labels = (struct labels){0};
}

static int compare_commits(const void *commit, const void *entry)
{
	return memcmp(commit, ((const struct labels_entry *)entry)->commit, OBJECT_ID);
}

const struct labels_entry *labels_of(const struct labels *labels,
				     const uint8_t commit[OBJECT_ID], size_t *count)
{
	const struct labels_entry *end = labels->entry + labels->count, *entry = NULL;

	*count = 0;
	if (labels->count) {
		entry = bsearch(commit, labels->entry, labels->count, sizeof(*entry),
				compare_commits);
	}
	if (entry) {
		while (entry > labels->entry && !compare_commits(commit, entry - 1)) {
			entry--;
		}
		while (entry + *count < end && !compare_commits(commit, entry + *count)) {
			++*count;
		}
	}
	return entry;
}
