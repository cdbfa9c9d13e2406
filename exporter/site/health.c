/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/site/health.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/file.h"
#include "data/format/json_print.h"
#include "exporter/lookback/when.h"
#include "exporter/site/place.h"

#define FOLDER (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

/* Writes the text to a file in `own`, which is locked, and renames that. */
static bool replace(int root, int own, const struct buf *text)
{
	int fd = openat(own, HEALTH_FILE,
			O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	bool done = fd >= 0 &&
		    file_write_fd(fd, text->data, text->len, HEALTH_FILE, NULL) == 0;

	if (fd >= 0) {
		done = close(fd) == 0 && done;
	}
	return done && renameat(own, HEALTH_FILE, root, HEALTH_FILE) == 0;
}

/* Opens the site's own folder, made if somebody has removed it. */
static int open_own(int root)
{
	if (root < 0 || (mkdirat(root, PLACE_OWN, 0700) < 0 && errno != EEXIST)) {
		return -1;
	}
	return openat(root, PLACE_OWN, FOLDER | O_NOFOLLOW);
}

int health_write(const char *site, const struct health *health, struct err *err)
{
	char checked[WHEN_TEXT];
	struct buf text = {0};
	int root, own, rc;
	bool done;

	when_format(checked, health->checked_s);
	json_print_document(&text);
	json_print_number(&text, "sequence", health->sequence);
	json_print_string(&text, "commit", health->commit->hex);
	json_print_string(&text, "checked", checked);
	buf_addstr(&text, "}\n");
	root = open(site, FOLDER);
	own = open_own(root);
	done = own >= 0 && (flock(own, LOCK_EX | LOCK_NB) == 0 ? replace(root, own, &text)
							       : errno == EWOULDBLOCK);
	rc = done ? 0 : err_sys(err, "cannot write '%s/" HEALTH_FILE "'", site);
	buf_release(&text);
	if (own >= 0) {
		close(own);
	}
	if (root >= 0) {
		close(root);
	}
	return rc;
}
