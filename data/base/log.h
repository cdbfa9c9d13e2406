/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_LOG_H
#define DATA_BASE_LOG_H

#include <stdbool.h>

/*
 * log - lines on stderr, for people, the journal and programs.
 *
 * A line is `PROGRAM: LEVEL: MESSAGE`, or with log_set_json
 *
 *	{"time":"2026-11-29T10:18:15.123Z","level":"LEVEL","program":"PROGRAM","message":"MESSAGE"}
 *
 * It is written by one write(2), so that lines of several threads never mix. The message is
 * in its plain form (plain.h), all of it, so callers pass file names and ids as they are: a
 * hostile one cannot forge a line. In both forms of a line it is the same text. errno is
 * unchanged. Only the two programs log, and cli_main on their behalf; the rest of `data/`
 * returns errors. (What buf.c says before it ends the process for lack of memory is text.)
 *
 * If stderr leads to the journal, as for a service of systemd, a line begins with its
 * priority, as in `<4>` for a warning (sd-daemon(3)). journald takes that off.
 */

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* `program` is borrowed for ever (a literal without characters that JSON escapes). The
 * default level is LOG_INFO. */
void log_init(const char *program, enum log_level level);
/* Whether lines are JSON. The default is text. */
void log_set_json(bool json);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Progress: one line that is redrawn in place, only if stderr is a terminal and the log is
 * text, and only after a second of work: `PROGRAM: VERB 120,000 of 1,000,000, 8,000/s, 1 min 50 s
 * left`.
 *
 *	struct log_progress p;
 *	log_progress_start(&p, "exporting", total);
 *	for (...) { log_progress_step(&p, 1); }
 *	log_progress_end(&p);
 *
 * If `total` is 0 (unknown), the line shows neither the total nor the time left.
 */
struct log_progress {
	const char *verb; /* borrowed */
	unsigned long long done, total;
	double started_s, drawn_s; /* CLOCK_MONOTONIC */
	bool terminal, drawn;
};
void log_progress_start(struct log_progress *p, const char *verb,
			unsigned long long total);
void log_progress_step(struct log_progress *p, unsigned long long more);
void log_progress_end(struct log_progress *p); /* wipes the line */

#endif
