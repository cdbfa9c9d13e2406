/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/export/accept.h"

#include <string.h>

#include "data/base/log.h"
#include "exporter/snapshot/message.h"

static const struct {
	enum accept_what what;
	const char *name;
} table[] = {
	{ACCEPT_HISTORY, "history"},
};
#define TABLE_LEN (sizeof(table) / sizeof(table[0]))

static int read_one(struct accept *out, const char *what, struct err *err)
{
	struct buf known = {0};
	int rc;

	for (size_t i = 0; i < TABLE_LEN; i++) {
		if (strcmp(what, table[i].name) == 0) {
			out->given |= table[i].what;
			buf_release(&known);
			return 0;
		}
		buf_addf(&known, "%s%s", i ? ", " : "", table[i].name);
	}
	rc = err_set(err, ERR_USAGE, "--accept does not know '%s'; it knows: %s", what,
		     known.data);
	buf_release(&known);
	return rc;
}

int accept_read(struct accept *out, const char *const *what, size_t count,
		struct err *err)
{
	int rc = 0;

	*out = (struct accept){0};
	for (size_t i = 0; !rc && i < count; i++) {
		rc = read_one(out, what[i], err);
	}
	return rc;
}

static const char *name_of(enum accept_what what)
{
	size_t i = 0;

	while (table[i].what != what) {
		i++;
	}
	return table[i].name;
}

int accept_check(struct accept *accept, enum accept_what what, struct err *err)
{
	struct err found = *err;

	if (accept && (accept->given & what)) {
		log_warning("accepted: %s", found.msg);
		accept->used |= what;
		*err = (struct err){0};
		return 0;
	}
	return err_set(err, ERR_REFUSED,
		       "%s; if that is as it should be, run this once with --accept %s",
		       found.msg, name_of(what));
}

void accept_trailers(struct buf *out, unsigned used)
{
	for (size_t i = 0; i < TABLE_LEN; i++) {
		if (used & table[i].what) {
			buf_addf(out, MESSAGE_ACCEPTED ": %s\n", table[i].name);
		}
	}
}
