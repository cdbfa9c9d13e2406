/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wide_floor - what any exporter must do for a change, and nothing else, on one core:
 *
 *	wide_floor OBJECTS PACK [SITE]
 *
 * OBJECTS is what `git cat-file --batch` prints of the objects that a change makes. Each
 * is hashed and deflated, with the same libraries and at the same level as
 * exporter/git/pack/object.c. All are written into PACK, with the checksums that git asks
 * for, which is flushed. With SITE, each blob becomes a file in that folder: written under
 * another name, flushed together (syncfs), renamed. Prints the seconds, without the reading.
 */
#include <errno.h>
#include <fcntl.h>
#include <libdeflate.h>
#include <nettle/sha1.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DEFLATE_LEVEL 1
#define STORED_BELOW 256
#define FILES_A_FOLDER 256

static void die(const char *what)
{
	fprintf(stderr, "wide_floor: error: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void must(bool good, const char *what)
{
	if (!good) {
		die(what);
	}
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct object {
	const char *head, *body; /* "ID TYPE LEN" */
	size_t len;
	bool blob;
};

static char *read_file(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	char *bytes;
	size_t n = 0;

	must(fd >= 0 && fstat(fd, &st) == 0, path);
	bytes = malloc((size_t)st.st_size + 1);
	must(bytes != NULL, path);
	while (n < (size_t)st.st_size) {
		ssize_t got = read(fd, bytes + n, (size_t)st.st_size - n);

		must(got > 0, path);
		n += (size_t)got;
	}
	bytes[n] = '\0';
	close(fd);
	*len = n;
	return bytes;
}

/* The objects of the stream; the last one has no body. */
static struct object *split(char *at, size_t len)
{
	struct object *object = NULL;
	char *end = at + len;
	size_t n = 0, cap = 0;

	while (at < end) {
		char *line = strchr(at, '\n'), *size;

		if (n + 1 >= cap) {
			cap = cap ? 2 * cap : 1024;
			object = realloc(object, cap * sizeof(*object));
			must(object != NULL, "memory");
		}
		must(line != NULL, "a line");
		*line = '\0';
		size = strrchr(at, ' ');
		must(size != NULL, "a length");
		object[n] = (struct object){.head = strchr(at, ' ') + 1,
					    .body = line + 1,
					    .len = strtoull(size + 1, NULL, 10)};
		object[n].blob = strncmp(object[n].head, "blob", 4) == 0;
		at = line + 1 + object[n].len + 1;
		n++;
	}
	must(n > 0, "no objects");
	object[n] = (struct object){0};
	return object;
}

static void write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(fd, bytes, len);

		must(n > 0, "write");
		bytes += n;
		len -= (size_t)n;
	}
}

static void pack(const struct object *object, const char *path)
{
	struct libdeflate_compressor *deflate =
		libdeflate_alloc_compressor(DEFLATE_LEVEL);
	struct libdeflate_compressor *store = libdeflate_alloc_compressor(0);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	struct sha1_ctx ctx, all;
	uint8_t digest[SHA1_DIGEST_SIZE];
	size_t cap = 0, used = 0;
	char *out = NULL;

	must(fd >= 0, path);
	sha1_init(&all);
	for (; object->body; object++) {
		struct libdeflate_compressor *how =
			object->len < STORED_BELOW ? store : deflate;
		size_t bound = libdeflate_zlib_compress_bound(how, object->len), n;

		if (used + bound > cap) {
			cap = used + bound > (1u << 18) ? used + bound : 1u << 18;
			out = realloc(out, cap);
			must(out != NULL, "memory");
		}
		sha1_init(&ctx);
		sha1_update(&ctx, strlen(object->head) + 1,
			    (const uint8_t *)object->head);
		sha1_update(&ctx, object->len, (const uint8_t *)object->body);
		sha1_digest(&ctx, sizeof(digest), digest);
		n = libdeflate_zlib_compress(how, object->body, object->len, out + used,
					     bound);
		(void)libdeflate_crc32(0, out + used, n);
		used += n;
		if (used >= 1u << 17) {
			sha1_update(&all, used, (const uint8_t *)out);
			write_all(fd, out, used);
			used = 0;
		}
	}
	sha1_update(&all, used, (const uint8_t *)out);
	sha1_digest(&all, sizeof(digest), digest);
	write_all(fd, out, used);
	must(fsync(fd) == 0 && close(fd) == 0, path);
}

static void path_of(char path[64], size_t n, const char *suffix)
{
	sprintf(path, "%zu/%zu%s", n / FILES_A_FOLDER, n, suffix);
}

static void publish(const struct object *object, bool first)
{
	char temp[64], path[64];
	size_t n = 0;
	int fd;

	for (const struct object *o = object; o->body; o++) {
		if (!o->blob) {
			continue;
		}
		if (first && n % FILES_A_FOLDER == 0) {
			sprintf(path, "%zu", n / FILES_A_FOLDER);
			must(mkdir(path, 0777) == 0, path);
		}
		path_of(temp, n++, ".new");
		fd = open(temp, O_WRONLY | O_CREAT | O_EXCL, 0666);
		must(fd >= 0, temp);
		write_all(fd, o->body, o->len);
		must(close(fd) == 0, temp);
	}
	fd = open(".", O_RDONLY | O_DIRECTORY);
	must(fd >= 0 && syncfs(fd) == 0, "syncfs");
	for (size_t i = 0; i < n; i++) {
		path_of(temp, i, ".new");
		path_of(path, i, "");
		must(rename(temp, path) == 0, path);
	}
	must(syncfs(fd) == 0 && close(fd) == 0, "syncfs");
}

int main(int argc, char **argv)
{
	struct object *object;
	char *bytes;
	double start;
	size_t len;

	if (argc < 3 || argc > 4) {
		fputs("usage: wide_floor OBJECTS PACK [SITE]\n", stderr);
		return 2;
	}
	bytes = read_file(argv[1], &len);
	object = split(bytes, len);
	if (argc > 3) { /* what is there before the change */
		must(chdir(argv[3]) == 0, argv[3]);
		publish(object, true);
	}
	start = now();
	pack(object, argv[2]);
	if (argc > 3) {
		publish(object, false);
	}
	printf("%.6f\n", now() - start);
	return 0;
}
