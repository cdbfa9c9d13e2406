/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_PACK_MAPPED_H
#define EXPORTER_GIT_PACK_MAPPED_H

/*
 * mapped - packindex.h maps packs and their indexes. If a mapped file is cut short
 * (a clone is copied over it, a disk fails), reading it raises SIGBUS. The process then
 * says so and ends with status 1 (fault.h).
 */

/* Guards against that from now on; `path` is the repository, for the message. May be called
 * again. */
void mapped_guard(const char *path);

#endif
