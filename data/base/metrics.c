/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/base/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/file.h"
#include "data/base/log.h"
#include "data/base/plain.h"

/* The first line. It says whose the file is: one that two programs wrote in turn would be
 * wrong half of the time. */
static void add_mark(struct buf *out, const char *program)
{
	buf_addf(out, "# %s wrote this: albumen(7), METRICS, explains it.\n", program);
}

void metrics_begin(struct metrics *m, const char *program)
{
	buf_clear(&m->text);
	buf_clear(&m->labels);
	add_mark(&m->text, program);
}

void metrics_label(struct metrics *m, const char *name, const char *value)
{
	struct buf plain = {0};

	plain_addstr(&plain, value);
	buf_addf(&m->labels, "%s%s=\"", m->labels.len ? "," : "", name);
	for (const char *p = plain.data; p && *p; p++) {
		/* No newline is left, which the format has an escape for, too. */
		if (*p == '"' || *p == '\\') {
			buf_addch(&m->labels, '\\');
		}
		buf_addch(&m->labels, *p);
	}
	buf_addch(&m->labels, '"');
	buf_release(&plain);
}

/* Everything but the value. */
static void add_name(struct metrics *m, const char *type, const char *name,
		     const char *help)
{
	buf_addf(&m->text, "# HELP albumen_%s %s\n# TYPE albumen_%s %s\nalbumen_%s{%s} ",
		 name, help, name, type, name, m->labels.len ? m->labels.data : "");
}

void metrics_gauge(struct metrics *m, const char *name, const char *help, uint64_t value)
{
	add_name(m, "gauge", name, help);
	buf_addf(&m->text, "%" PRIu64 "\n", value);
}

void metrics_counter(struct metrics *m, const char *name, const char *help,
		     uint64_t value)
{
	add_name(m, "counter", name, help);
	buf_addf(&m->text, "%" PRIu64 "\n", value);
}

void metrics_gauge_ms(struct metrics *m, const char *name, const char *help,
		      int64_t value_ms)
{
	add_name(m, "gauge", name, help);
	buf_addf(&m->text, "%" PRId64 ".%03d\n", value_ms / 1000, (int)(value_ms % 1000));
}

void metrics_version(struct metrics *m)
{
	size_t len = m->labels.len;

	metrics_label(m, "version", ALBUMEN_VERSION);
	metrics_gauge(m, "build_info", "1, and the version of the program.", 1);
	buf_setlen(&m->labels, len);
}

int metrics_write(struct metrics *m, const char *path, struct err *err)
{
	int rc = file_renew(path, m->text.data, m->text.len, err);

	buf_release(&m->text);
	buf_release(&m->labels);
	return rc;
}

void metrics_renew(struct metrics *m, const char *path, bool *failing)
{
	struct err why;
	int rc = metrics_write(m, path, &why);

	if (rc && !*failing) {
		log_warning("%s; the metrics are tried again at the next change",
			    why.msg);
	} else if (!rc && *failing) {
		log_info("the metrics are written again");
	}
	*failing = rc;
}

/* Whether the file at `path` is one of `program`. An empty one is: a power loss leaves it. */
static int check_mark(const char *path, const char *program, struct err *err)
{
	struct buf text = {0}, mark = {0};
	int rc = file_read(&text, path, (size_t)1 << 20, err);

	add_mark(&mark, program);
	if (!rc && text.len &&
	    (text.len < mark.len || memcmp(text.data, mark.data, mark.len) != 0)) {
		rc = err_set(err, ERR_FAIL,
			     "'%s' is not a file of metrics that %s wrote: give "
			     "--metrics another file, or remove that one",
			     path, program);
	}
	buf_release(&text);
	buf_release(&mark);
	return rc;
}

int metrics_check(const char *path, const char *program,
		  const char *const apart[METRICS_APART], struct err *err)
{
	struct stat st;
	char *parent;
	int rc = 0;

	for (size_t i = 0; i < METRICS_APART; i++) {
		if (apart[i] && file_is_inside(path, apart[i])) {
			return err_set(err, ERR_FAIL,
				       "the file of metrics '%s' lies in '%s', where it "
				       "does not belong; put it elsewhere",
				       path, apart[i]);
		}
	}
	parent = file_parent(path);
	if (stat(parent, &st) < 0 || access(parent, W_OK | X_OK) < 0) {
		rc = err_sys(err, "cannot write metrics into the folder '%s'", parent);
	} else if (lstat(path, &st) < 0) {
		rc = errno == ENOENT ? 0 : err_sys(err, "cannot stat '%s'", path);
	} else if (!S_ISREG(st.st_mode)) {
		rc = err_set(err, ERR_FAIL,
			     "'%s' is not a regular file: give --metrics one, which is "
			     "replaced at each change, or a name that is free",
			     path);
	} else {
		rc = check_mark(path, program, err);
	}
	free(parent);
	return rc;
}
