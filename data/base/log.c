/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "data/base/clock.h"
#include "data/base/plain.h"

static const char *log_program = "albumen";
static enum log_level log_threshold = LOG_INFO;
static bool log_json, log_journal;

static const struct {
	const char *name;
	char priority; /* of syslog(3) */
} levels[] = {
	[LOG_ERROR] = {"error", '3'},
	[LOG_WARNING] = {"warning", '4'},
	[LOG_INFO] = {"info", '6'},
	[LOG_DEBUG] = {"debug", '7'},
};

/* Whether stderr leads to the journal: systemd.exec(5), $JOURNAL_STREAM. */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;
	int end = 0;

	return stream && sscanf(stream, "%llu:%llu%n", &device, &inode, &end) == 2 &&
	       !stream[end] && fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device &&
	       st.st_ino == inode;
}

void log_init(const char *program, enum log_level level)
{
	log_program = program;
	log_threshold = level;
	log_journal = is_journal();
}

void log_set_json(bool json)
{
	log_json = json;
}

/* A message that is longer is cut. */
#define MESSAGE_MAX 4096

/* A line that is put together. A byte of the message takes at most five in JSON, as in
 * `\\xff`, and what stands around the message takes less than 256. */
struct line {
	char bytes[5 * MESSAGE_MAX + 256];
	size_t used;
};

__attribute__((format(printf, 2, 3))) static void add(struct line *line, const char *fmt,
						      ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line->bytes + line->used, sizeof(line->bytes) - line->used, fmt,
		      ap);
	va_end(ap);
	line->used += n > 0 ? (size_t)n : 0;
}

/* Adds the plain form of a text. In a JSON string only quotes and backslashes are left to
 * be escaped then. */
static void add_plain(struct line *line, const char *text, size_t len)
{
	size_t read;

	for (; len; text += read, len -= read) {
		char plain[PLAIN_MAX];
		size_t plain_len = plain_char(plain, text, len, &read);

		for (size_t i = 0; i < plain_len; i++) {
			if (log_json && (plain[i] == '"' || plain[i] == '\\')) {
				line->bytes[line->used++] = '\\';
			}
			line->bytes[line->used++] = plain[i];
		}
	}
}

/* Adds the beginning of an object of JSON, up to the message. */
static void begin_json(struct line *line, enum log_level level)
{
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	add(line,
	    "{\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ\",\"level\":\"%s\","
	    "\"program\":\"%s\",\"message\":\"",
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
	    tm.tm_sec, now.tv_nsec / 1000000, levels[level].name, log_program);
}

static void write_line(const struct line *line)
{
	size_t sent = 0;

	while (sent < line->used) {
		ssize_t n = write(STDERR_FILENO, line->bytes + sent, line->used - sent);

		if (n < 0 && errno != EINTR) {
			break;
		}
		sent += n > 0 ? (size_t)n : 0;
	}
}

__attribute__((format(printf, 2, 0))) static void log_line(enum log_level level,
							   const char *fmt, va_list ap)
{
	char text[MESSAGE_MAX];
	struct line line;
	size_t len;
	int saved = errno;

	if (level > log_threshold) {
		return;
	}
	vsnprintf(text, sizeof(text), fmt, ap);
	len = strlen(text);
	len = len == sizeof(text) - 1 ? plain_cut(text, len) : len;
	line.used = 0;
	if (log_journal) {
		add(&line, "<%c>", levels[level].priority);
	}
	if (log_json) {
		begin_json(&line, level);
	} else {
		add(&line, "%s: %s: ", log_program, levels[level].name);
	}
	add_plain(&line, text, len);
	add(&line, log_json ? "\"}\n" : "\n");
	write_line(&line);
	errno = saved;
}

#define LOG_FUNCTION(name, level)                                                        \
	void name(const char *fmt, ...)                                                  \
	{                                                                                \
		va_list ap;                                                              \
                                                                                         \
		va_start(ap, fmt);                                                       \
		log_line(level, fmt, ap);                                                \
		va_end(ap);                                                              \
	}

LOG_FUNCTION(log_error, LOG_ERROR)
LOG_FUNCTION(log_warning, LOG_WARNING)
LOG_FUNCTION(log_info, LOG_INFO)
LOG_FUNCTION(log_debug, LOG_DEBUG)

static double now_s(void)
{
	return (double)clock_now_ms() / 1000;
}

void log_progress_start(struct log_progress *p, const char *verb,
			unsigned long long total)
{
	*p = (struct log_progress){.verb = verb,
				   .total = total,
				   .started_s = now_s(),
				   .terminal = !log_json && isatty(STDERR_FILENO) == 1};
}

/* 1234567 as "1,234,567". */
static const char *grouped(char out[32], unsigned long long n)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%llu", n);
	char *p = out;

	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0) {
			*p++ = ',';
		}
		*p++ = digits[i];
	}
	*p = '\0';
	return out;
}

static void draw(struct log_progress *p, double now)
{
	char done[32], total[32], rate_text[32];
	double elapsed = now - p->started_s;
	double rate = elapsed > 0 ? (double)p->done / elapsed : 0;

	fprintf(stderr, "\r\033[K%s: %s %s", log_program, p->verb,
		grouped(done, p->done));
	if (p->total) {
		fprintf(stderr, " of %s", grouped(total, p->total));
	}
	fprintf(stderr, ", %s/s", grouped(rate_text, (unsigned long long)rate));
	if (p->total > p->done && rate > 0) {
		unsigned long long left =
			(unsigned long long)((double)(p->total - p->done) / rate) + 1;

		if (left >= 60) {
			fprintf(stderr, ", %llu min %llu s left", left / 60, left % 60);
		} else {
			fprintf(stderr, ", %llu s left", left);
		}
	}
	fflush(stderr);
	p->drawn = true;
	p->drawn_s = now;
}

void log_progress_step(struct log_progress *p, unsigned long long more)
{
	double now;

	p->done += more;
	if (!p->terminal) {
		return;
	}
	now = now_s();
	if (now - p->started_s >= 1 && now - p->drawn_s >= 0.2) {
		draw(p, now);
	}
}

void log_progress_end(struct log_progress *p)
{
	if (p->drawn) {
		fputs("\r\033[K", stderr);
		fflush(stderr);
		p->drawn = false;
	}
}
