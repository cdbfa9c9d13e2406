/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/format/secret_sieve.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "data/base/hex.h"

/*
 * Each secret has a byte that is rare elsewhere, or two or three beside each other that are. A
 * single byte is found by memchr(3), the others in blocks, by comparisons that compilers turn
 * into vector instructions. Only where they are found are the bytes around looked at.
 *
 * Canonical text writes ASCII letters unchanged. In embedded JSON and in URLs they may be
 * escaped; that is looked for as well.
 */

#define PASSWORD_MAX 512 /* characters before the @ */
#define BLOCK 64

struct sieve {
	const char *begin, *end;
};

/* Whether the word (letters, in any case) is at `at`, which may be outside the text. */
static bool stands(const struct sieve *text, const char *at, const char *word)
{
	size_t len = strlen(word);

	return at >= text->begin && at < text->end &&
	       ((*at ^ *word) & ~0x20) == 0 && /* nearly always it ends here */
	       (size_t)(text->end - at) >= len && strncasecmp(at, word, len) == 0;
}

static bool is_one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

static char at_or_0(const struct sieve *text, const char *at)
{
	return at >= text->begin && at < text->end ? *at : '\0';
}

/* A name that ends with "key" or "token". */
static bool may_be_name(const struct sieve *text, const char *at)
{
	static const char *const before[] = {"api",    "private", "secret",
					     "access", "refresh", "auth"};

	while (at > text->begin && is_one_of(at[-1], "_- ")) {
		at--;
	}
	for (size_t i = 0; i < sizeof(before) / sizeof(*before); i++) {
		if (stands(text, at - strlen(before[i]), before[i])) {
			return true;
		}
	}
	return false;
}

/* `k` of api_key, access_token, sk_live, hooks.slack.com; `K` of AKIA */
static bool may_be_k(const struct sieve *text, const char *at)
{
	switch (at_or_0(text, at + 1)) {
	case 'e':
	case 'E':
		return (stands(text, at, "key") && may_be_name(text, at)) ||
		       (stands(text, at - 2, "token") && may_be_name(text, at - 2));
	case '_':
		return stands(text, at + 2, "live") || stands(text, at + 2, "test");
	case '.':
		return stands(text, at - 4, "slack");
	case 'I':
		return stands(text, at - 1, "AKIA");
	default:
		return false;
	}
}

/* A character that may stand between a scheme and its value; then comes a value that is not
 * a plain word (the meaning of an escape is unknown here). */
static bool may_be_scheme(const struct sieve *text, const char *at)
{
	char last;

	at -= at_or_0(text, at - 1) == ':';
	last = (char)(at_or_0(text, at - 1) | 0x20);

	if ((last != 'r' || !stands(text, at - 6, "bearer")) &&
	    (last != 'c' || !stands(text, at - 5, "basic")) &&
	    (last != 'n' || !stands(text, at - 5, "token"))) {
		return false;
	}
	while (at < text->end && is_one_of(*at, " +:")) {
		at++;
	}
	while (at < text->end && *at >= 'a' && *at <= 'z') {
		at++;
	}
	return at < text->end && *at != ' ' && *at != ',';
}

static bool is_letter(int c)
{
	return c == '@' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* A name and a password before it, with a colon or what may be one. */
static bool may_be_password(const struct sieve *text, const char *at)
{
	for (unsigned i = 0; i < PASSWORD_MAX && at > text->begin; i++) {
		at--;
		if (*at == ':' || *at == '%') {
			return true;
		}
		if (*at == ' ' || *at == '"' || *at == '@') {
			break;
		}
	}
	return false;
}

static inline uint8_t equal(uint8_t a, char b)
{
	return (uint8_t) - (a == (uint8_t)b);
}

/* Not 0 if a secret may go on here. Without branches and calls, for vectors. */
__attribute__((always_inline)) static inline uint8_t is_part(uint8_t a, uint8_t b,
							     uint8_t c)
{
	/* base64 of `{`; secret */
	return (equal(a, 'e') &
		(equal(b, 'y') | equal(b, 'w') | (equal(b, 'c') & equal(c, 'r')))) |
	       /* key, token; sk_live; slack.com */
	       (equal(a, 'k') & (equal(b, 'e') | equal(b, '_') | equal(b, '.'))) |
	       /* ghp_, glpat-; github_pat_; xoxb-, xapp- */
	       (equal(a, 'g') & (equal(b, 'h') | equal(b, 'l'))) |
	       (equal(a, 'b') & equal(b, '_')) |
	       (equal(a, 'x') & (equal(b, 'o') | equal(b, 'a'))) |
	       /* password; whsec_ */
	       (equal(a, 's') & equal(b, 'w')) | (equal(a, 'w') & equal(b, 'h'));
}

/* Whether the bytes at `at`, for which is_part is not 0, may belong to a secret. */
static bool may_be_part(const struct sieve *text, const char *at)
{
	char second = at_or_0(text, at + 1), third = at_or_0(text, at + 2);

	switch (*at) {
	case 'e':
		/* Behind `{` a space, a line end, a tab or a quote. */
		return second == 'y'   ? is_one_of(third, "AIJKL")
		       : second == 'w' ? is_one_of(third, "o0k")
				       : stands(text, at - 1, "secret");
	case 'k':
		return may_be_k(text, at);
	case 'g':
		return is_one_of(third, second == 'h' ? "pousr" : "pdrcfs");
	case 'b':
		return stands(text, at - 5, "github");
	case 'x':
		return stands(text, at, "xox") || stands(text, at, "xapp");
	case 's':
		return stands(text, at - 3, "passw");
	default:
		return stands(text, at, "whsec");
	}
}

static bool may_be_V(const struct sieve *text, const char *at)
{
	return stands(text, at - 3, "private");
}

static bool may_be_z(const struct sieve *text, const char *at)
{
	return stands(text, at - 7, "authorization") || stands(text, at - 2, "AIza");
}

static bool may_be_S(const struct sieve *text, const char *at)
{
	return stands(text, at, "secret") || stands(text, at - 1, "ASIA");
}

static bool may_be_W(const struct sieve *text, const char *at)
{
	return stands(text, at - 4, "password") || stands(text, at - 4, "passwd");
}

static bool may_be_X(const struct sieve *text, const char *at)
{
	return stands(text, at - 5, "GOCSPX");
}

static bool may_be_Y(const struct sieve *text, const char *at)
{
	return stands(text, at - 4, "PuTTY");
}

static bool may_be_percent(const struct sieve *text, const char *at)
{
	return may_be_scheme(text, at) ||
	       (text->end - at >= 3 && is_letter(hex_number(at + 1, 2)));
}

/* A backslash may also begin the escape of a letter in embedded JSON. */
static bool may_be_escape(const struct sieve *text, const char *at)
{
	return may_be_scheme(text, at) ||
	       (text->end - at >= 7 && memcmp(at, "\\\\u00", 5) == 0 && at[5] >= '4' &&
		at[5] <= '7');
}

/* Bytes that are rare alone. */
static bool has_mark(const struct sieve *text)
{
	static const struct {
		char byte;
		bool (*may)(const struct sieve *text, const char *at);
	} marks[] = {
		{'V', may_be_V},       {'z', may_be_z},       {'Z', may_be_z},
		{'K', may_be_k},       {'S', may_be_S},       {'W', may_be_W},
		{'X', may_be_X},       {'Y', may_be_Y},       {'@', may_be_password},
		{'%', may_be_percent}, {'\\', may_be_escape}, {' ', may_be_scheme},
		{'+', may_be_scheme},  {'=', may_be_scheme},
	};

	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		const char *at = text->begin;

		while ((at = memchr(at, marks[i].byte, (size_t)(text->end - at)))) {
			if (marks[i].may(text, at)) {
				return true;
			}
			at++;
		}
	}
	return false;
}

#define WORD sizeof(uint64_t)

/* A block, and two bytes more. */
static bool block_has_part(const struct sieve *text, const char *at)
{
	const uint8_t *byte = (const uint8_t *)at;
	uint8_t hit[BLOCK];

	for (size_t i = 0; i < BLOCK; i++) {
		hit[i] = is_part(byte[i], byte[i + 1], byte[i + 2]);
	}
	for (size_t i = 0; i < BLOCK; i += WORD) {
		uint64_t any;

		memcpy(&any, hit + i, WORD);
		for (size_t j = i; any && j < i + WORD; j++) {
			if (hit[j] && may_be_part(text, at + j)) {
				return true;
			}
		}
	}
	return false;
}

static bool has_part(const struct sieve *text)
{
	const char *at = text->begin, *end = text->end;

	if (end - at >= BLOCK + 2) {
		for (; end - at >= BLOCK + 2; at += BLOCK) {
			if (block_has_part(text, at)) {
				return true;
			}
		}
		return block_has_part(text,
				      end - BLOCK - 2); /* overlaps the one before */
	}
	for (; end - at > 2; at++) {
		if (is_part((uint8_t)at[0], (uint8_t)at[1], (uint8_t)at[2]) &&
		    may_be_part(text, at)) {
			return true;
		}
	}
	return false;
}

bool secret_sieve_may(const char *text, size_t len)
{
	const struct sieve sieve = {text, text + len};

	return has_mark(&sieve) || has_part(&sieve);
}
