/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * generate - a library of any size to measure with, the same for the same
 * arguments:
 *
 *	generate --images N --seed S --shape SHAPE --out DIR [--layout ndjson|files]
 *
 * N images, about 1.2 N tag images, 0.08 N albums, 300 tags; 30 % of the images are
 * untagged. Records look like those of the recorded calls, but every value
 * differs: ids, signatures and hashes in the URLs, instants (with offsets),
 * places, sizes, names.
 *
 * A record follows from the seed, its kind and its number, so any record can be
 * written anywhere without being kept in memory: one in ten tag images is in the
 * embedded form and repeats its image and its tag.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/templates.h"

#define TAGS 300
#define FILES_A_FOLDER 1000
#define TAG_IMAGES_MAX 6
#define DAY_MS INT64_C(86400000)

enum kind { ALBUM = 1, IMAGE, TAG, TAG_IMAGE };

enum shape {
	DEFAULT,
	ALBUMS_OF_1,
	ALBUMS_OF_10000,
	SMALL, /* images of 270 bytes, tag images of 190; half of the images have some */
	LARGE, /* image records of 60 KB */
	TAGS_ON_NOTHING,
	TAGS_ON_EVERYTHING, /* five tags on each image */
	ONE_TAG,            /* as default, and the first tag on each image */
	SHUFFLED,           /* records in no order of time */
	SPACED,             /* white space between tokens */
	ONE_ALBUM,          /* all images in one album, without tag images */
	SHAPES
};

static const char *const shape_names[SHAPES] = {
	"default",  "albums-of-1",     "albums-of-10000",    "small",
	"large",    "tags-on-nothing", "tags-on-everything", "one-tag",
	"shuffled", "spaced",          "one-album",
};

static struct {
	uint64_t images, seed;
	enum shape shape;
	const char *out;
	bool files;
} opt = {.images = 1000, .seed = 1};

static void die(const char *what)
{
	fprintf(stderr, "generate: error: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* --- randomness: splitmix64 --- */

static uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static uint64_t below(uint64_t *random, uint64_t end)
{
	*random += 0x9e3779b97f4a7c15u;
	return mix(*random) % end;
}

/* The random values of a record. Its id comes from the stream of its number, everything
 * else from the stream of the number's complement. */
static uint64_t random_of(enum kind kind, uint64_t number)
{
	return mix(opt.seed + mix((uint64_t)kind << 56 ^ number));
}

/* --- values --- */

/* `n` random digits of a base up to 62, at most 10 of them. */
static char *digits(char *to, uint64_t *random, unsigned n, unsigned base)
{
	static const char alphabet[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	for (uint64_t bits = below(random, UINT64_MAX); n > 0; n--, bits /= base) {
		*to++ = alphabet[bits % base];
	}
	*to = '\0';
	return to;
}

static void uuid(char *to, enum kind kind, uint64_t number)
{
	static const unsigned char groups[] = {8, 4, 4, 4, 6, 6};
	uint64_t random = random_of(kind, number);
	char *at = to;

	for (size_t i = 0; i < sizeof(groups); i++) {
		at = digits(at, &random, groups[i], 16);
		if (i < 4) {
			*at++ = '-';
		}
	}
	to[14] = '4';
	to[19] = "89ab"[number % 4];
}

static void album_id(char *to, uint64_t number)
{
	uint64_t random = random_of(ALBUM, number);

	/* Both lengths of the recorded calls: 15 and 18 characters. */
	digits(to + sprintf(to, "00324000"), &random, number % 2 ? 7 : 10, 62);
}

/* An instant as RFC 3339 with milliseconds, in its own offset. */
static void instant(char *to, int64_t ms, uint64_t *random)
{
	static const struct {
		const char *text;
		int minutes;
	} zones[] = {{"+02:00", 120},  {"+01:00", 60},  {"Z", 0},
		     {"-05:00", -300}, {"+05:30", 330}, {"+01:00", 60}};
	size_t zone = below(random, 6);
	time_t local = (time_t)(ms / 1000 + zones[zone].minutes * 60);
	struct tm tm;

	gmtime_r(&local, &tm);
	sprintf(to, "%d-%02d-%02dT%02d:%02d:%02d.%03d%s", tm.tm_year + 1900,
		tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		(int)(ms % 1000), zones[zone].text);
}

static const char *word(uint64_t number)
{
	static const char *const words[] = {
		"Super", "Image",  "Façade", "Roof",   "Kitchen",  "Été",    "Before",
		"After", "Damage", "Meter",  "Boiler", "Übergabe", "Garden", "Stairs",
		"North", "South",  "Window", "Door",   "写真",     "Serial", "Inventaire",
		"d'été", "Left",   "Right",  "Valve",  "Visit",
	};
	return words[number % (sizeof(words) / sizeof(*words))];
}

/* --- templates --- */

/* What fills a template: a text for each letter, and randomness. */
struct fields {
	char text[26][80];
	uint64_t random;
	bool raw; /* `&` as it is, not as the live API writes it */
};

static char *field(struct fields *f, char letter)
{
	return f->text[letter - 'a'];
}

/* Writes a template (templates.h). */
static void fill(FILE *out, const char *template, struct fields *f)
{
	char text[16];

	for (const char *at = template; *at; at++) {
		size_t run = strcspn(at, "'~");

		fwrite_unlocked(at, 1, run, out);
		at += run;
		if (opt.shape == SPACED &&
		    (at[0] == '\'' && at > template && strchr(",:", at[-1]))) {
			putc_unlocked(' ', out);
		}
		if (*at == '\0') {
			break;
		}
		if (*at == '\'') {
			putc_unlocked('"', out);
		} else if (*++at == '&') {
			fputs_unlocked(f->raw ? "&" : "\\u0026", out);
		} else if (*at == 'S' || (*at >= '1' && *at <= '9')) {
			digits(text, &f->random, *at == 'S' ? 8 : (unsigned)(*at - '0'),
			       *at == 'S' ? 62 : 16);
			fputs_unlocked(text, out);
		} else {
			fputs_unlocked(field(f, *at), out);
		}
	}
}

/* --- records --- */

static uint64_t album_of(uint64_t image)
{
	switch (opt.shape) {
	case ALBUMS_OF_1:
		return image;
	case ALBUMS_OF_10000:
		return image / 10000;
	case ONE_ALBUM:
		return 0;
	default:
		return mix(opt.seed ^ image) % ((opt.images * 8 + 99) / 100);
	}
}

static void image_fields(struct fields *f, uint64_t number)
{
	uint64_t *random = &f->random;
	/* Eight years of work: created one after the other, more or less. */
	int64_t ms = INT64_C(1451606400000) +
		     (int64_t)(3000.0 * DAY_MS * (double)number / (double)opt.images);

	*random = random_of(IMAGE, ~number);
	uuid(field(f, 'i'), IMAGE, number);
	album_id(field(f, 'a'), album_of(number));
	ms += (int64_t)below(random, 10 * (uint64_t)DAY_MS);
	instant(field(f, 'c'), ms, random);
	instant(field(f, 't'), ms - DAY_MS, random);
	instant(field(f, 'u'), ms + (int64_t)(below(random, 2) * below(random, 1u << 30)),
		random);
	sprintf(field(f, 'n'), "%s %s %s", word(below(random, 100)),
		word(below(random, 100)), word(below(random, 100)));
	for (char *at = field(f, 'e'); at < field(f, 'e') + 32;) {
		at = digits(at, random, 8, 16);
	}
	/* Places as a phone writes them: doubles with all their decimals. */
	sprintf(field(f, 'y'), "%d.%014" PRIu64, (int)below(random, 90),
		below(random, UINT64_C(100000000000000)));
	sprintf(field(f, 'x'), "%d.%013" PRIu64, (int)below(random, 180) - 90,
		below(random, UINT64_C(10000000000000)));
	digits(field(f, 'f'), random, 8, 62);
	for (size_t i = 0; i < 4; i++) { /* width, height, bytes, version */
		static const uint64_t most[] = {6000, 4000, 8000000, 1600000000};
		sprintf(field(f, "whbv"[i]), "%" PRIu64, 48 + below(random, most[i]));
	}
	f->raw = below(random, 4) == 0;
}

static void write_image(FILE *out, uint64_t number)
{
	struct fields f;

	image_fields(&f, number);
	if (opt.shape == SMALL) {
		fill(out, image_small, &f);
		return;
	}
	fill(out, image_head, &f);
	for (int i = 0; opt.shape == LARGE && i < 270; i++) {
		fill(out, i ? "," : "", &f);
		fill(out, large_exifs, &f);
	}
	fill(out, image_tail, &f);
}

static void write_tag(FILE *out, uint64_t number)
{
	struct fields f = {.random = random_of(TAG, ~number)};

	uuid(field(&f, 'i'), TAG, number);
	instant(field(&f, 'c'), INT64_C(1420070400000) + (int64_t)number * DAY_MS,
		&f.random);
	sprintf(field(&f, 'n'), "%s %s %u", word(number), word(number * 7 + 3),
		(unsigned)number);
	fill(out, tag_template, &f);
}

/* Puts the numbers of an image's tags into `tag`; returns how many. */
static unsigned tags_of(uint64_t tag[TAG_IMAGES_MAX], uint64_t image)
{
	uint64_t random = random_of(TAG_IMAGE, ~image);
	/* 30 % of the images have none, 34 % one, 22 % two, 14 % three. */
	uint64_t percent = below(&random, 100), step = 1 + below(&random, 37);
	/* Few tags are on many images, many on few. */
	double r = (double)below(&random, 1u << 30) / (1u << 30);
	unsigned more = (percent >= 30) + (percent >= 64) + (percent >= 86), count = 0;

	switch (opt.shape) {
	case TAGS_ON_NOTHING:
	case ONE_ALBUM:
		return 0;
	case TAGS_ON_EVERYTHING:
		more = 5;
		break;
	case SMALL:
		more = (percent >= 50) + (percent >= 79);
		break;
	case ONE_TAG:
		tag[count++] = 0;
		break;
	default:
		break;
	}
	for (uint64_t i = 0; i < more; i++) {
		tag[count++] = 1 + ((uint64_t)(TAGS * r * r * r) + i * step) % (TAGS - 1);
	}
	return count;
}

/* Writes the tag images of an image, each between `before` and `after`. */
static void write_tag_images(FILE *out, uint64_t image, const char *before,
			     const char *after)
{
	uint64_t tag[TAG_IMAGES_MAX];
	unsigned count = tags_of(tag, image);
	struct fields f = {0};

	for (unsigned i = 0; i < count; i++) {
		uint64_t number = image * TAG_IMAGES_MAX + i;

		/* Its image was there before it; times of day follow from both. */
		image_fields(&f, image);
		f.random = random_of(TAG_IMAGE, number << 1);
		memcpy(field(&f, 'c'), field(&f, 'u'), sizeof(f.text[0]));
		memcpy(field(&f, 'o'), field(&f, 'i'), sizeof(f.text[0]));
		uuid(field(&f, 'i'), TAG_IMAGE, number << 1 | 1);
		uuid(field(&f, 't'), TAG, tag[i]);
		uuid(field(&f, 'u'), ALBUM, ~(image % 50));
		fputs(before, out);
		fill(out, opt.shape == SMALL ? tag_image_small : tag_image_head, &f);
		if (opt.shape != SMALL && below(&f.random, 10) == 0) {
			fill(out, "'image':", &f);
			write_image(out, image);
			fill(out, ",'tag':", &f);
			write_tag(out, tag[i]);
			fputs("}", out);
		} else {
			fill(out, tag_image_ids, &f);
		}
		fputs(after, out);
	}
}

/* --- layouts --- */

static FILE *create(const char *name)
{
	FILE *out = fopen(name, "w");

	if (!out) {
		die(name);
	}
	return out;
}

static void finish(FILE *out)
{
	if (ferror(out) || fclose(out) != 0) {
		die("write");
	}
}

/* The n-th image to write. */
static uint64_t nth_image(uint64_t n)
{
	/* A prime beyond any N: every image once. */
	return opt.shape == SHUFFLED ? n * UINT64_C(2147483647) % opt.images : n;
}

static void write_ndjson(void)
{
	FILE *images = create("images.ndjson"), *tag_images = create("tag_images.ndjson");

	for (uint64_t n = 0; n < opt.images; n++) {
		write_image(images, nth_image(n));
		fputs("\n", images);
		write_tag_images(tag_images, nth_image(n), "", "\n");
	}
	finish(images);
	finish(tag_images);
}

static void write_files(void)
{
	for (uint64_t n = 0; n < opt.images; n++) {
		char path[80], id[40];
		int len = sprintf(path, "%06" PRIu64, n / FILES_A_FOLDER);
		FILE *out;

		if (n % FILES_A_FOLDER == 0 && mkdir(path, 0755) < 0) {
			die(path);
		}
		uuid(id, IMAGE, nth_image(n));
		sprintf(path + len, "/%s.json", id);
		out = create(path);
		fputs("[", out);
		write_image(out, nth_image(n));
		write_tag_images(out, nth_image(n), ",", "");
		fputs("]", out);
		finish(out);
	}
}

/* --- command line --- */

static bool option(const char *name, const char *value)
{
	if (strcmp(name, "--images") == 0) {
		opt.images = strtoull(value, NULL, 10);
	} else if (strcmp(name, "--seed") == 0) {
		opt.seed = strtoull(value, NULL, 10);
	} else if (strcmp(name, "--out") == 0) {
		opt.out = value;
	} else if (strcmp(name, "--layout") == 0) {
		opt.files = strcmp(value, "files") == 0;
	} else if (strcmp(name, "--shape") == 0) {
		for (opt.shape = 0; opt.shape < SHAPES; opt.shape++) {
			if (strcmp(value, shape_names[opt.shape]) == 0) {
				return true;
			}
		}
		return false;
	} else {
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	bool good = argc % 2 == 1;
	FILE *tags;

	for (int i = 1; i + 1 < argc; i += 2) {
		good = good && option(argv[i], argv[i + 1]);
	}
	if (!good || !opt.out || opt.images == 0) {
		fputs("usage: generate --images N --seed S --shape SHAPE --out DIR "
		      "[--layout ndjson|files]\n",
		      stderr);
		return 2;
	}
	if ((mkdir(opt.out, 0755) < 0 && errno != EEXIST) || chdir(opt.out) < 0) {
		die(opt.out);
	}
	tags = create("tags.ndjson");
	for (uint64_t i = 0; i < TAGS; i++) {
		write_tag(tags, i);
		fputs("\n", tags);
	}
	finish(tags);
	if (opt.files) {
		write_files();
	} else {
		write_ndjson();
	}
	return 0;
}
