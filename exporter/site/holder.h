/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_HOLDER_H
#define EXPORTER_SITE_HOLDER_H

#include <stdbool.h>

#include "data/base/err.h"
#include "data/base/uuid.h"

/*
 * holder - the name by which a repository publishes to object stores: a uuid in the file
 * REPO/albumen-exporter.holder. A process that publishes has the file locked (flock(2)). So
 * whoever has the lock knows that a lease with this name (publication.h) is of a process that
 * has ended, and takes it over at once: a kill costs no waiting.
 *
 * A copy of a repository must not have the same name. So the file also has a digest of itself
 * as it lies there: of its inode, of when that was made, and of the machine-id(5). Where that
 * does not agree, a new name is drawn.
 */

#define HOLDER_FILE "albumen-exporter.holder"

struct holder {
	char name[UUID_LEN + 1];
	int fd; /* the lock; -1: there is none */
};

/*
 * Locks the file in the folder of the repository, made if it is missing. ERR_LOCKED: another
 * process publishes to a store from this repository.
 * Who may not write the repository gets a name for this once: after a kill he waits for the
 * end of his lease, as others do.
 */
int holder_open(struct holder *out, const char *repo, struct err *err);
void holder_close(struct holder *holder);

#endif
