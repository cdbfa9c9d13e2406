/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "data/base/clock.h"
#include "data/base/plain.h"

static const char *log_program = "albumen";
static enum log_level log_threshold = LOG_INFO;

static const char *const level_names[] = {"error", "warning", "info", "debug"};

void log_init(const char *program, enum log_level level)
{
	log_program = program;
	log_threshold = level;
}

/* Appends the plain form of `text` to the first `used` bytes of `line`. Cuts what does not
 * fit, and always leaves room for the newline. */
static size_t add_plain(char *line, size_t size, size_t used, const char *text,
			size_t len)
{
	size_t read;

	for (; len && used + PLAIN_MAX < size; text += read, len -= read) {
		used += plain_char(line + used, text, len, &read);
	}
	return used;
}

__attribute__((format(printf, 2, 0))) static void log_line(enum log_level level,
							   const char *fmt, va_list ap)
{
	char text[4096];
	char line[4 * sizeof(text) + 64];
	size_t len, used, sent = 0;
	int saved = errno;

	if (level > log_threshold) {
		return;
	}
	vsnprintf(text, sizeof(text), fmt, ap);
	len = strlen(text);
	len = len == sizeof(text) - 1 ? plain_cut(text, len) : len;
	used = (size_t)snprintf(line, sizeof(line), "%s: %s: ", log_program,
				level_names[level]);
	used = add_plain(line, sizeof(line), used, text, len);
	line[used++] = '\n';
	while (sent < used) {
		ssize_t n = write(STDERR_FILENO, line + sent, used - sent);

		if (n < 0 && errno != EINTR) {
			break;
		}
		sent += n > 0 ? (size_t)n : 0;
	}
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
				   .terminal = isatty(STDERR_FILENO) == 1};
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
