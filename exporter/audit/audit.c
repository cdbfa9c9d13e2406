/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/audit/audit.h"

#include <stdlib.h>
#include <string.h>

void audit_free(struct audit *audit)
{
	if (audit) {
		arena_release(&audit->arena);
		free(audit->album);
		free(audit->oversize);
		free(audit);
	}
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
