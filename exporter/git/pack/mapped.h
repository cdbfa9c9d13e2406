/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_PACK_MAPPED_H
#define EXPORTER_GIT_PACK_MAPPED_H

/*
 * mapped - packs and their indexes are mapped, by libgit2 and by packindex.h. When a mapped
 * file is cut short (a clone that is being copied over, a disk that fails), to read it
 * raises SIGBUS: the process then says so and ends with status 1 (fault.h).
 */

/* From here on; `path` is the repository, for the message. May be called again. */
void mapped_guard(const char *path);

#endif
