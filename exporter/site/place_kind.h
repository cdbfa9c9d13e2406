/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_PLACE_KIND_H
#define EXPORTER_SITE_PLACE_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "data/base/stop.h"
#include "exporter/git/snapshot.h"

/*
 * place_kind - what the kinds of places have to do: the functions of place.h by the same names.
 * A kind is a struct that begins with a struct place, and one function that makes it. Only
 * place.c and the kinds look into these.
 */

enum place_fault { PLACE_MISSING, PLACE_CHANGED, PLACE_EXTRA };

/* Called for each file that differs. */
typedef void place_found_fn(const char *path, enum place_fault fault, void *payload);

typedef bool place_keep_fn(const char *path, void *payload);

struct place {
	const struct place_kind *kind;
	char *name; /* place.c frees it */
	/* Of place_open_dry. */
	bool dry;
	bool absent;         /* the place does not exist yet */
	bool doubted;        /* files are looked for before they count as removed */
	uint64_t extra;      /* files that were found so */
	struct buf dry_path; /* the last file that would have been put */
};

/* A function that is "optional" may be NULL: then there is nothing to do. */
struct place_kind {
	bool is_folder; /* `name` is its path */
	/* Frees the struct, and all that it holds but `name`. It has been closed. */
	void (*free)(struct place *place);

	void (*set_stop)(struct place *place, struct stop *stop); /* optional */
	int (*read)(struct buf *out, struct place *place, const char *path, size_t limit,
		    struct err *err);
	bool (*has_file)(struct place *place, const char *path); /* NULL: it is blind */
	int (*is_bare)(bool *bare, struct place *place, struct err *err);
	int (*is_site)(bool *is, struct place *place, struct err *err);
	int (*find_entry)(struct buf *name, struct place *place, struct err *err);

	int (*open)(struct place *place, struct snapshot_repo *repo, const char *holder,
		    struct err *err);
	int (*open_look)(struct place *place, struct snapshot_repo *repo,
			 const char *holder, struct err *err);
	/* Optional. ERR_NOTFOUND (no message): there is nothing yet. From then on place.c asks
	 * only for what reads. */
	int (*open_dry)(struct place *place, struct err *err);
	void (*close)(struct place *place); /* also after a failure of `open` */

	int (*pending_read)(struct buf *lines, bool *unfinished, struct place *place,
			    struct err *err);
	int (*pending_check)(struct place *place, struct err *err); /* optional */
	int64_t (*pending_since_s)(struct place *place);
	int (*pending_begin)(struct place *place, const char *lines, size_t len,
			     bool unfinished, struct err *err);
	int (*pending_end)(struct place *place, struct err *err);

	void (*set_many)(struct place *place, bool many); /* optional */
	void (*doubt)(struct place *place);               /* optional */
	int (*flush)(struct place *place, struct err *err);
	int (*build_begin)(struct place *place, struct err *err); /* optional */
	int (*build_end)(struct place *place, struct err *err);   /* optional */

	int (*begin)(struct place *place, const char *path, struct err *err);
	void (*write)(struct place *place, const void *bytes, size_t len);
	int (*end)(struct place *place, struct err *err);
	/* Optional: begin, write and end. */
	int (*put)(struct place *place, const char *path, const void *body, size_t len,
		   struct err *err);
	bool (*was_there)(struct place *place); /* optional: true */
	int (*put_state)(struct place *place, const void *body, size_t len,
			 struct err *err);

	void (*set_look)(struct place *place, place_found_fn *found, void *payload);
	int (*has)(bool *has, struct place *place, const char *path, const void *body,
		   size_t len, struct err *err);
	int (*remove)(struct place *place, const char *path, uint64_t *removed,
		      struct err *err);
	int (*remove_folder)(struct place *place, const char *path,
			     struct err *err); /* optional */
	int (*prune)(struct place *place, const char *path, place_keep_fn *keep,
		     void *payload, uint64_t *removed, struct err *err);

	/* Optional: no requests. */
	uint64_t (*requests)(const struct place *place, uint64_t puts, uint64_t removals);

	int (*put_beside)(struct place *place, const char *path, const void *body,
			  size_t len, struct err *err);
};

#endif
