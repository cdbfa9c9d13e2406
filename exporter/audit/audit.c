/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/audit/audit.h"

#include <stdlib.h>
#include <string.h>

void audit_free(struct audit *audit)
{
	if (audit) {
		arena_release(&audit->arena);
		if (audit->texts) {
			spill_release(audit->texts);
			free(audit->texts);
		}
		free(audit->album);
		free(audit->oversize);
		free(audit);
	}
}

int audit_texts(struct audit_texts *out, struct buf *scratch, const struct audit *audit,
		const struct audit_image *image, struct err *err)
{
	size_t title = image->title_len, thumbnail = image->thumbnail_len;
	int rc;

	*out = (struct audit_texts){NULL, NULL};
	buf_clear(scratch);
	if (!title && !thumbnail) {
		return 0;
	}
	/* Each has a NUL behind it. */
	rc = spill_read(audit->texts, scratch, image->texts_at, title + thumbnail + 2,
			err);
	if (!rc) {
		out->title = title ? scratch->data : NULL;
		out->thumbnail = thumbnail ? scratch->data + title + 1 : NULL;
	}
	return rc;
}

struct stamp audit_stamp(const char *created_at)
{
	struct stamp stamp = {{0}};

	/* Without its quotes. */
	if (created_at &&
	    stamp_read(&stamp, created_at + 1, strlen(created_at) - 2) < 0) {
		stamp = (struct stamp){{0}};
	}
	return stamp;
}

unsigned audit_share(const struct audit_counts *counts)
{
	if (!counts->images) {
		return 0;
	}
	return (unsigned)((counts->untagged * 10000 + counts->images / 2) /
			  counts->images);
}
