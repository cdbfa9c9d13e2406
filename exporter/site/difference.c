/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/site/difference.h"

#include "exporter/snapshot/response.h"

#include <stdlib.h>
#include <string.h>

void difference_add(struct difference *difference, const struct snapshot_id *tree)
{
	difference->base = xreallocarray(difference->base, difference->bases + 1,
					 sizeof(*difference->base));
	difference->base[difference->bases++] = *tree;
}

void difference_forget(struct difference *difference)
{
	difference->bases = 0;
}

void difference_release(struct difference *difference)
{
	free(difference->base);
	buf_release(&difference->paths);
}

/* Remembers a file, or ends the search if there are too many. */
static int remember(const struct snapshot_change *change, void *payload)
{
	struct difference *difference = payload;

	if (difference->fews == DIFFERENCE_FEW) {
		difference->many = true;
		return 1;
	}
	difference->few[difference->fews].path = difference->paths.len;
	difference->few[difference->fews].old_blob = change->old_blob;
	difference->few[difference->fews++].new_blob = change->new_blob;
	buf_add(&difference->paths, change->path, strlen(change->path) + 1);
	return 0;
}

static int diff(const struct difference *difference, snapshot_change_fn *each,
		void *payload, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < difference->bases; i++) {
		rc = snapshot_diff(difference->repo, response_walk_fault,
				   &difference->base[i], difference->target, NULL, each,
				   payload, err);
	}
	return rc;
}

int difference_find(struct difference *difference, struct err *err)
{
	int rc;

	difference->many = !difference->bases;
	difference->fews = 0;
	rc = diff(difference, remember, difference, err);
	return rc < 0 ? rc : 0;
}

int difference_each(const struct difference *difference, snapshot_change_fn *each,
		    void *payload, struct err *err)
{
	int rc = 0;

	if (!difference->bases) {
		return snapshot_diff(difference->repo, response_walk_fault, NULL,
				     difference->target, NULL, each, payload, err);
	}
	if (difference->many) {
		return diff(difference, each, payload, err);
	}
	for (size_t i = 0; !rc && i < difference->fews; i++) {
		const struct snapshot_change change = {
			.path = difference->paths.data + difference->few[i].path,
			.old_blob = difference->few[i].old_blob,
			.new_blob = difference->few[i].new_blob,
		};

		rc = each(&change, payload);
	}
	return rc;
}
