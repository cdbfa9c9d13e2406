/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/export/accept.h"

#include <string.h>

#include "data/base/log.h"
#include "exporter/snapshot/message.h"

#define NAME(what, name) [what] = (name),
static const char *const name[ACCEPT_COUNT] = {ACCEPT_TABLE(NAME)};

int accept_read(struct accept *out, const char *const *what, size_t count,
		struct err *err)
{
	*out = (struct accept){0};
	for (size_t i = 0; i < count; i++) {
		size_t n = 0;

		while (n < ACCEPT_COUNT && strcmp(what[i], name[n]) != 0) {
			n++;
		}
		if (n == ACCEPT_COUNT) {
			return err_set(err, ERR_USAGE,
				       "--accept does not know '%s'; it "
				       "knows:" ACCEPT_NAMES,
				       what[i]);
		}
		out->given |= 1u << n;
	}
	return 0;
}

int accept_check(struct accept *accept, enum accept_what what, struct err *err)
{
	struct err found = *err;

	if (accept && (accept->given & 1u << what)) {
		log_warning("accepted: %s", found.msg);
		accept->used |= 1u << what;
		*err = (struct err){0};
		return 0;
	}
	return err_set(err, ERR_REFUSED,
		       "%s; if that is as it should be, run this once with --accept %s",
		       found.msg, name[what]);
}

void accept_trailers(struct buf *out, unsigned used)
{
	for (size_t i = 0; i < ACCEPT_COUNT; i++) {
		if (used & 1u << i) {
			buf_addf(out, MESSAGE_ACCEPTED ": %s\n", name[i]);
		}
	}
}
