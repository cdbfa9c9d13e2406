/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_METRICS_H
#define DATA_BASE_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"

/*
 * metrics - a file in the text format of Prometheus, version 0.0.4, as the
 * textfile collector of its node exporter reads it: names in base units, HELP and TYPE with
 * each, no times. The names are listed in albumen(7).
 *
 *	struct metrics m = {0};
 *	metrics_begin(&m, "albumen-indexer");
 *	metrics_label(&m, "index", "/var/lib/albumen/photos/index");
 *	metrics_version(&m);
 *	metrics_gauge(&m, "images", "Images that the index knows.", 12);
 *	rc = metrics_write(&m, "albumen-photos.prom", err);
 *
 * A metric of one name must have the same HELP wherever it comes from, or the collector
 * leaves one of them out. Two files with the same names differ in a label.
 */

struct metrics {
	struct buf text, labels; /* labels: `a="b",c="d"` */
};

/* Begins the file, with a comment that names the program (metrics_check). */
void metrics_begin(struct metrics *m, const char *program);
/* A label of everything that follows; `value` is written in its plain form. */
void metrics_label(struct metrics *m, const char *name, const char *value);

/* `name` without "albumen_"; that of a counter ends in "_total". */
void metrics_gauge(struct metrics *m, const char *name, const char *help, uint64_t value);
void metrics_counter(struct metrics *m, const char *name, const char *help,
		     uint64_t value);
/* A time in milliseconds, written in seconds. */
void metrics_gauge_ms(struct metrics *m, const char *name, const char *help,
		      int64_t value_ms);
/* albumen_build_info: which version wrote this. */
void metrics_version(struct metrics *m);

/* Makes or replaces the file (file_renew), and releases *m also after a failure. */
int metrics_write(struct metrics *m, const char *path, struct err *err);
/* The same for a program that runs for long: a failure is only logged, once, and so is the end
 * of it. *failing, false at first, remembers it. */
void metrics_renew(struct metrics *m, const char *path, bool *failing);

/* Fails, at the start of a program, if the file cannot be made, if `path` is something
 * other than such a file of `program`, or if it lies in one of the folders `apart` (NULL: none
 * there), which others watch, serve or read. */
#define METRICS_APART 3
int metrics_check(const char *path, const char *program,
		  const char *const apart[METRICS_APART], struct err *err);

#endif
