/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * floor - makes the files that `albumen-exporter export --site` makes for one changed image,
 * with the same writes, flushes and renames in the same order, and does nothing else:
 *
 *	floor REPO SITE PACK-BYTES IDX-BYTES SNAPSHOT-BYTES [PATH BYTES]... <BODIES
 *
 * REPO is a folder with the few files of a repository that `steps` names. SITE is a true site:
 * BODIES are the bytes of its snapshot.json and of each PATH (as it has them), one after the
 * other, so that it stays what it was.
 *
 * The order is that of `strace albumen-exporter export --site`, where a comment in the
 * exporter says why. What it only reads, and what it locks, is left out.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 100

enum op {
	WRITE,     /* a new file */
	WRITE_OUT, /* the same, and its writing to the disk begins */
	OVERWRITE, /* in place */
	FLUSH,     /* a file or a folder */
	LINK,
	RENAME,
	UNLINK,
	/* For each PATH: */
	WRITE_EACH, /* as file0, file1, ..., as WRITE_OUT */
	FLUSH_EACH,
	RENAME_EACH,       /* to PATH */
	FLUSH_FOLDER_EACH, /* that of PATH */
};

/* `+` is the number of this process. */
static const struct step {
	enum op op;
	int len; /* of what is written; below 0: that of the argument */
	const char *path, *to;
} steps[] = {
	{WRITE_OUT, -1, "REPO/objects/pack/tmp_pack", ""},
	{WRITE, -2, "REPO/objects/pack/tmp_idx", ""},
	{FLUSH, 0, "REPO/objects/pack/tmp_pack", ""},
	{FLUSH, 0, "REPO/objects/pack/tmp_idx", ""},
	{WRITE, 152, "REPO/albumen-exporter.packs", ""},
	{LINK, 0, "REPO/albumen-exporter.lock", "REPO/objects/pack/pack-+.keep"},
	{RENAME, 0, "REPO/objects/pack/tmp_pack", "REPO/objects/pack/pack-+.pack"},
	{RENAME, 0, "REPO/objects/pack/tmp_idx", "REPO/objects/pack/pack-+.idx"},
	{FLUSH, 0, "REPO/objects/pack", ""},
	{LINK, 0, "REPO/albumen-exporter.lock", "REPO/refs/heads/main.lock"},
	{WRITE, 41, "REPO/albumen-exporter.ref", ""},
	{FLUSH, 0, "REPO/albumen-exporter.ref", ""},
	{RENAME, 0, "REPO/albumen-exporter.ref", "REPO/refs/heads/main"},
	{UNLINK, 0, "REPO/refs/heads/main.lock", ""},
	{FLUSH, 0, "REPO/refs/heads", ""},
	{UNLINK, 0, "REPO/objects/pack/pack-+.keep", ""},
	{UNLINK, 0, "REPO/albumen-exporter.packs", ""},
	{OVERWRITE, 115, "REPO/albumen-exporter.note", ""},
	{OVERWRITE, 41, "SITE/.albumen/pending", ""},
	{FLUSH, 0, "SITE/.albumen/pending", ""},
	{WRITE_EACH, 0, "", ""},
	{FLUSH_EACH, 0, "", ""},
	{RENAME_EACH, 0, "", ""},
	{FLUSH_FOLDER_EACH, 0, "", ""},
	{WRITE_OUT, -3, "SITE/.albumen/tmp/snapshot", ""},
	{FLUSH, 0, "SITE/.albumen/tmp/snapshot", ""},
	{RENAME, 0, "SITE/.albumen/tmp/snapshot", "SITE/snapshot.json"},
	{FLUSH, 0, "SITE", ""},
	{OVERWRITE, 5, "SITE/.albumen/pending", ""},
};

static struct {
	char *path, *bytes;
	size_t len;
} file[FILES_MAX];
static size_t files;
static const char *repo, *site;
static char *bodies;
static size_t sizes[3]; /* of the pack, its index, snapshot.json */

static void must(bool good, const char *what)
{
	if (!good) {
		fprintf(stderr, "floor: error: %s: %s\n", what, strerror(errno));
		exit(1);
	}
}

/* The path of a step, in one of two buffers that are used in turns. */
static const char *name(const char *path)
{
	static char text[2][4096];
	static unsigned turn;
	char *to = text[turn++ % 2];
	const char *plus = strchr(path, '+');
	const char *root = path[0] == 'R' ? repo : site;
	int head = plus ? (int)(plus - path - 4) : (int)strlen(path) - 4;

	if (!*path) {
		return "";
	}
	snprintf(to, sizeof(text[0]), "%s%.*s", root, head, path + 4);
	if (plus) {
		snprintf(to + strlen(to), 256, "%d%s", (int)getpid(), plus + 1);
	}
	return to;
}

static void write_file(const char *path, enum op op, const char *bytes, size_t len)
{
	bool over = op == OVERWRITE, out = op == WRITE_OUT || op == WRITE_EACH;
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (over ? 0 : O_TRUNC), 0644);

	must(fd >= 0, path);
	must(write(fd, bytes, len) == (ssize_t)len, path);
	must(!over || ftruncate(fd, (off_t)len) == 0, path);
	must(!out || sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE) == 0, path);
	must(close(fd) == 0, path);
}

static void flush(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	must(fd >= 0 && fsync(fd) == 0 && close(fd) == 0, path);
}

static void do_write(const struct step *step)
{
	static const char done[] = "done\n";
	size_t len = step->len < 0 ? sizes[-step->len - 1] : (size_t)step->len;
	char *filler = calloc(1, len + 1);

	must(filler != NULL, "memory");
	write_file(name(step->path), step->op,
		   step->len == -3  ? bodies
		   : step->len == 5 ? done
				    : filler,
		   len);
	free(filler);
}

static void do_each(enum op op, size_t i)
{
	char temp[4096], path[4096];

	snprintf(temp, sizeof(temp), "%s/.albumen/tmp/file%zu", site, i);
	snprintf(path, sizeof(path), "%s/%s", site, file[i].path);
	switch (op) {
	case WRITE_EACH:
		write_file(temp, op, file[i].bytes, file[i].len);
		break;
	case FLUSH_EACH:
		flush(temp);
		break;
	case RENAME_EACH:
		must(rename(temp, path) == 0, path);
		break;
	default:
		*strrchr(path, '/') = '\0';
		flush(path);
		break;
	}
}

static void do_step(const struct step *step)
{
	const char *path = name(step->path), *to = name(step->to);

	switch (step->op) {
	case WRITE:
	case WRITE_OUT:
	case OVERWRITE:
		do_write(step);
		break;
	case FLUSH:
		flush(path);
		break;
	case LINK:
		must(link(path, to) == 0, to);
		break;
	case RENAME:
		must(rename(path, to) == 0, to);
		break;
	case UNLINK:
		must(unlink(path) == 0, path);
		break;
	default:
		for (size_t i = 0; i < files; i++) {
			do_each(step->op, i);
		}
		break;
	}
}

static void read_bodies(void)
{
	size_t len = sizes[2], done = 0;

	for (size_t i = 0; i < files; i++) {
		len += file[i].len;
	}
	bodies = malloc(len + 1);
	must(bodies != NULL, "memory");
	while (done < len) {
		ssize_t n = read(0, bodies + done, len - done);

		must(n > 0, "the bodies");
		done += (size_t)n;
	}
	for (size_t i = 0, at = sizes[2]; i < files; at += file[i++].len) {
		file[i].bytes = bodies + at;
	}
}

int main(int argc, char **argv)
{
	if (argc < 6 || argc % 2 != 0 || (argc - 6) / 2 > FILES_MAX) {
		fputs("usage: floor REPO SITE PACK-BYTES IDX-BYTES SNAPSHOT-BYTES "
		      "[PATH BYTES]... <BODIES\n",
		      stderr);
		return 2;
	}
	repo = argv[1];
	site = argv[2];
	for (int i = 0; i < 3; i++) {
		sizes[i] = strtoul(argv[3 + i], NULL, 10);
	}
	for (int i = 6; i + 1 < argc; i += 2) {
		file[files].path = argv[i];
		file[files++].len = strtoul(argv[i + 1], NULL, 10);
	}
	read_bodies();
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		do_step(&steps[i]);
	}
	return 0;
}
