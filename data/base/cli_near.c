/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/base/cli_near.h"

#include <stdbool.h>
#include <string.h>

#define WORD_MAX 40 /* bytes of a word that could be meant as a name */

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* How many letters must be added, removed, replaced or swapped with the next one to make
 * `name` of the `len` bytes of `word`: the optimal string alignment distance. */
static unsigned distance(const char *word, size_t len, const char *name)
{
	size_t name_len = strlen(name);
	/* Of the words' beginnings: the last two rows of the table, and the present one. */
	unsigned row[3][WORD_MAX + 1];
	unsigned *before = row[0], *above = row[1], *here = row[2];

	for (size_t j = 0; j <= name_len; j++) {
		above[j] = (unsigned)j;
	}
	for (size_t i = 1; i <= len; i++) {
		unsigned *free = before;

		here[0] = (unsigned)i;
		for (size_t j = 1; j <= name_len; j++) {
			here[j] = least(least(above[j], here[j - 1]) + 1,
					above[j - 1] + (word[i - 1] != name[j - 1]));
			if (i > 1 && j > 1 && word[i - 1] == name[j - 2] &&
			    word[i - 2] == name[j - 1]) {
				here[j] = least(here[j], before[j - 2] + 1);
			}
		}
		before = above;
		above = here;
		here = free;
	}
	return above[name_len];
}

/* `own`: how many letters of the name are its own. */
static void consider(struct cli_near *near, const char *name, size_t own)
{
	unsigned d = distance(near->word, near->len, name);

	if (d <= (own < 6 ? 1 : 2) && (!near->name || d < near->distance)) {
		near->name = name;
		near->distance = d;
	}
}

static bool can_be_near(const struct cli_near *near, size_t len)
{
	return near->len && near->len <= WORD_MAX && len <= WORD_MAX;
}

void cli_near_consider(struct cli_near *near, const char *name)
{
	size_t len = strlen(name);

	if (!can_be_near(near, len)) {
		return;
	}
	/* Programs that take the beginning of a name for the whole have taught it. */
	if (strncmp(name, near->word, near->len) == 0) {
		if (!near->name || near->distance > 1) {
			near->name = name;
			near->distance = 1;
		}
		return;
	}
	consider(near, name, len);
}

void cli_near_variable(struct cli_near *near, const char *name, size_t prefix)
{
	size_t len = strlen(name);

	if (can_be_near(near, len)) {
		consider(near, name, len - prefix);
	}
}
