/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/input.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "data/base/buf.h"
#include "indexer/walk.h"

/* After a change so shortly before the reading, another change may leave the stat values
 * as they are: the clock of a file system ticks in milliseconds, of some in seconds. */
#define RACY_NS 2000000000

static int64_t ns_of(struct timespec ts)
{
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void input_stat(struct claim_file *out, const struct stat *st)
{
	*out = (struct claim_file){
		.dev = st->st_dev,
		.ino = st->st_ino,
		.size = st->st_size,
		.mtime_ns = ns_of(st->st_mtim),
		.ctime_ns = ns_of(st->st_ctim),
	};
}

bool input_same(const struct claim_file *a, const struct claim_file *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

/* A time far in the future is not racy: the next change sets the time of a clock. */
static bool is_near(int64_t time_ns, int64_t now_ns)
{
	return time_ns > now_ns - RACY_NS && time_ns < now_ns + RACY_NS;
}

static bool is_racy(const struct claim_file *file, const struct timespec *now)
{
	return is_near(file->mtime_ns, ns_of(*now)) ||
	       is_near(file->ctime_ns, ns_of(*now));
}

bool input_is_racy(const struct claim_file *file)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return is_racy(file, &now);
}

/* The file is at its start, and the window is empty. */
static void begin(struct input *in)
{
	in->begin = in->end = 0;
	in->base = in->line_at = in->counted = 0;
	in->line = 1;
	in->eof = false;
}

int input_open(struct input *in, int rootfd, const char *path)
{
	struct timespec now;
	struct stat st;

	assert(in->fd < 0);
	in->fd = walk_open(rootfd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (in->fd < 0) {
		return -1;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	if (fstat(in->fd, &st) < 0) {
		int saved = errno;

		input_close(in);
		errno = saved;
		return -1;
	}
	input_stat(&in->file, &st);
	in->file.racy = is_racy(&in->file, &now);
	in->regular = S_ISREG(st.st_mode);
	if (!in->data) {
		in->cap = 4096;
		in->data = xmalloc(in->cap);
	}
	begin(in);
	return 0;
}

void input_close(struct input *in)
{
	if (in->fd >= 0) {
		close(in->fd);
		in->fd = -1;
	}
	/* Memory that one large record needed is not kept. */
	if (in->cap > 4 * (size_t)INPUT_CHUNK) {
		free(in->data);
		in->data = NULL;
		in->cap = 0;
	}
	in->begin = in->end = 0;
}

void input_release(struct input *in)
{
	input_close(in);
	free(in->data);
	in->data = NULL;
	in->cap = 0;
}

static void count_lines(struct input *in, uint64_t until)
{
	while (in->counted < until) {
		const char *from = in->data + (in->counted - in->base);
		const char *newline = memchr(from, '\n', (size_t)(until - in->counted));

		if (!newline) {
			in->counted = until;
			break;
		}
		in->counted += (uint64_t)(newline - from) + 1;
		in->line++;
		in->line_at = in->counted;
	}
}

int input_more(struct input *in)
{
	size_t held = in->end - in->begin;
	size_t want = held > INPUT_CHUNK ? held : INPUT_CHUNK;
	uint64_t done = in->base + in->end;
	uint64_t rest =
		(uint64_t)in->file.size > done ? (uint64_t)in->file.size - done : 0;

	/* Bytes beyond the size at the opening are not read: a file that has grown is not
	 * steady, and is read again. */
	if (rest < want) {
		want = (size_t)rest;
	}
	if (in->begin) {
		count_lines(in, in->base + in->begin);
		memmove(in->data, in->data + in->begin, held);
		in->base += in->begin;
		in->begin = 0;
		in->end = held;
	}
	if (in->cap < held + want + 1) {
		in->cap = held + want + 1;
		in->data = xrealloc(in->data, in->cap);
	}
	want += held;
	while (in->end < want) {
		ssize_t n = read(in->fd, in->data + in->end, want - in->end);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return -1;
		}
		if (n == 0) {
			in->eof = true;
			break;
		}
		in->end += (size_t)n;
	}
	if (in->base + in->end >= (uint64_t)in->file.size) {
		in->eof = true;
	}
	return 0;
}

int input_rewind(struct input *in)
{
	if (lseek(in->fd, 0, SEEK_SET) < 0) {
		return -1;
	}
	begin(in);
	return 0;
}

const char *input_at(const struct input *in)
{
	return in->data + in->begin;
}

size_t input_left(const struct input *in)
{
	return in->end - in->begin;
}

void input_skip(struct input *in, size_t n)
{
	assert(n <= in->end - in->begin);
	in->begin += n;
}

void input_position(struct input *in, size_t off, size_t *line, size_t *column)
{
	uint64_t at = in->base + in->begin + off;

	count_lines(in, at);
	*line = (size_t)in->line;
	*column = (size_t)(at - in->line_at) + 1;
}

bool input_is_steady(const struct input *in)
{
	struct claim_file now;
	struct stat st;

	if (fstat(in->fd, &st) < 0) {
		return false;
	}
	input_stat(&now, &st);
	return input_same(&now, &in->file);
}
