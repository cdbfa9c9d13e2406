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

bool labels_is_own(const char *name)
{
	return strncmp(name, "pruned/", 7) == 0 || strncmp(name, "erased/", 7) == 0;
}

/* The first line of the message; "" if there is none. */
static char *read_text(struct snapshot_repo *repo, const char *ref)
{
	struct buf body = {0};
	char hex[OBJECT_HEX + 1];
	uint8_t id[OBJECT_ID];
	const char *message = NULL;
	char *text;

	if (repo_ref(hex, repo, ref, NULL) == 0 && object_unhex(id, hex) &&
	    repo_object(repo, &body, id, OBJECT_TAG, NULL) == 0 && body.len) {
		message = strstr(body.data, "\n\n");
	}
	text = message ? xmemdup0(message + 2, strcspn(message + 2, "\n")) : xstrdup("");
	buf_release(&body);
	return text;
}

static int add(struct labels *labels, struct snapshot_repo *repo, const char *name,
	       struct err *err)
{
	struct labels_entry entry = {0};
	struct buf ref = {0};
	int rc;

	buf_addf(&ref, "refs/tags/%s", name);
	rc = repo_ref_commit(entry.commit, repo, ref.data, err);
	if (!rc) {
		bool own = labels_is_own(name);

		entry.name = xstrdup(name);
		entry.text = own ? read_text(repo, ref.data) : NULL;
		if (own) {
			labels->own[labels->owns++] = entry;
		} else {
			labels->entry[labels->count++] = entry;
		}
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
	out->own = xreallocarray(NULL, count + 1, sizeof(*out->own));
	for (size_t at = 0; !rc && at < names.len;) {
		rc = add(out, repo, names.data + at, err);
		at += strlen(names.data + at) + 1;
	}
	qsort(out->entry, out->count, sizeof(*out->entry), compare);
	qsort(out->own, out->owns, sizeof(*out->own), compare);
	buf_release(&names);
	return rc;
}

static void release(struct labels_entry *entry, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(entry[i].name);
		free(entry[i].text);
	}
	free(entry);
}

void labels_release(struct labels *labels)
{
	release(labels->entry, labels->count);
	release(labels->own, labels->owns);
	*labels = (struct labels){0};
}

static int compare_commits(const void *commit, const void *entry)
{
	return memcmp(commit, ((const struct labels_entry *)entry)->commit, OBJECT_ID);
}

static const struct labels_entry *find(const struct labels_entry *first, size_t of,
				       const uint8_t commit[OBJECT_ID], size_t *count)
{
	const struct labels_entry *end = first + of, *entry = NULL;

	*count = 0;
	if (of) {
		entry = bsearch(commit, first, of, sizeof(*entry), compare_commits);
	}
	if (entry) {
		while (entry > first && !compare_commits(commit, entry - 1)) {
			entry--;
		}
		while (entry + *count < end && !compare_commits(commit, entry + *count)) {
			++*count;
		}
	}
	return entry;
}

const struct labels_entry *labels_of(const struct labels *labels,
				     const uint8_t commit[OBJECT_ID], size_t *count)
{
	return find(labels->entry, labels->count, commit, count);
}

const struct labels_entry *labels_own(const struct labels *labels,
				      const uint8_t commit[OBJECT_ID], size_t *count)
{
	return find(labels->own, labels->owns, commit, count);
}
