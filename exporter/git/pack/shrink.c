/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/pack/shrink.h"

#include <assert.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/buf.h"

#define LITERALS 256
#define END 256
#define SYMBOLS 288 /* literals, END and lengths; two of them are never used */
#define MATCH_MIN 4
#define MATCH_MAX 258
#define SLOTS 30 /* of distances */
#define HASH_BITS 12
#define CODES 3
#define EACH_CODE (UINT64_C(1) | UINT64_C(1) << 21 | UINT64_C(1) << 42)

/*
 * The lengths of two codes, a letter for each, from `a` for 0; and those of the code in which
 * the heads of blocks state them. They are Huffman codes of the tokens that find_tokens makes
 * of the responses, and of the trees, of 256 to 4,096 bytes in a snapshot of 300,000 images
 * (tests/bench/generate.c, `small`), each symbol counted once more than it occurs.
 */
struct lengths {
	const char *symbol; /* literals, END and lengths */
	const char *slot;
};
static const char head_lengths[] = "agggfffeecdeefegdaa";
static const struct lengths own_lengths[] = {
	{.symbol = "oooooooooooooooooooooooooooooooohoejooolooojgfhjeffffffffffooooo"
		   "olknknllmkmllllmmmkjhmklmmkjijohoffffefhigmmgihgimghghjimmmiohoo"
		   "ooooooloolooooooooooooooolookoolooooooolokoooooooooooooooooooooo"
		   "ooojooooooooooooooooooooooooooooooooololoooooooooooooooooooooooo"
		   "koghhijhiijiiiiknjjjlooooooonl",
	 .slot = "gninkjfgffdeffeeceeefghlppppoo"},
	{.symbol = "hjkkkjijjkkkjjkkjjjkkjjjjjkkkkijijjjjjjkjjjkjeikfffgfgffffjjkjji"
		   "jjjjkjjjjkjjijkjjjkjjjkjjjjjjjjjkffggggjjjikiiiijkkijijjjjjjjjjj"
		   "ijjjkjjkijjjjhjjjjjjjjjjjjjjjjjjhkjjjjjjjikjjjjkjjjijjjkjjjjjiii"
		   "jjjkkjjjjjjjjjjjjkjjjjjjjjikijkjjijjkjjjkjjjjjjkjjjjjjjjjjjjjjjj"
		   "jpkhlgjmpoooollkjmhooooooooooo",
	 .slot = "nnnpjmklmflibmcgdffijlnppppppp"},
};

/* A code word, and for a match its extra bits. */
struct word {
	uint32_t bits; /* the first one is the lowest */
	unsigned count;
};

/* A way to write a block. */
struct code {
	struct word literal[LITERALS + 1]; /* and END */
	struct word length[MATCH_MAX + 1]; /* with extra bits */
	struct word slot[SLOTS];           /* of a distance, without */
	uint8_t head[128];                 /* of the block */
	size_t head_bits;
};

/* So many literals, then a match (length 0: none). */
struct token {
	uint16_t literals, length, distance;
};

struct shrink {
	struct code code[CODES];
	/* The bits that a literal, a length or a slot takes in each code: 21 for each. */
	uint64_t literal_cost[LITERALS + 1], length_cost[MATCH_MAX + 1], slot_cost[SLOTS];
	/* By the hash of four bytes, where they were last: their offset plus `base`, which
	 * grows by each body. Less than `base`: in an earlier body. */
	uint32_t table[1 << HASH_BITS];
	uint32_t base;
	struct token token[SHRINK_MAX / MATCH_MIN + 1];
	size_t tokens;
};

/* --- bits ------------------------------------------------------------------------ */

struct bits {
	uint8_t *out;
	uint64_t held;
	unsigned count; /* below 8 after flush */
};

static inline void put(struct bits *b, struct word word)
{
	b->held |= (uint64_t)word.bits << b->count;
	b->count += word.count;
}

/* Eight bytes are written, of which some do not count yet. */
static inline void flush(struct bits *b)
{
	uint64_t held = b->held; /* little-endian, as every machine that this runs on */

	memcpy(b->out, &held, sizeof(held));
	b->out += b->count / 8;
	b->held >>= b->count & ~7u;
	b->count &= 7;
}

/* --- codes ------------------------------------------------------------------------- */

/* `text`: a letter for each length, from `a` for 0. */
static void read_lengths(uint8_t *length, const char *text, size_t count)
{
	assert(strlen(text) == count);
	for (size_t i = 0; i < count; i++) {
		length[i] = (uint8_t)(text[i] - 'a');
	}
}

/* Canonical code words of the lengths (RFC 1951, 3.2.2). */
static void make_words(struct word *word, const uint8_t *length, size_t count)
{
	uint32_t next[17] = {0}, code = 0;
	unsigned of[16] = {0};

	for (size_t i = 0; i < count; i++) {
		of[length[i]] += length[i] > 0;
	}
	for (unsigned n = 1; n < 16; n++) {
		code = (code + of[n - 1]) << 1;
		next[n] = code;
	}
	for (size_t i = 0; i < count; i++) {
		uint32_t bits = length[i] ? next[length[i]]++ : 0, turned = 0;

		for (unsigned n = 0; n < length[i]; n++) {
			turned = turned << 1 | (bits >> n & 1);
		}
		word[i] = (struct word){turned, length[i]};
	}
}

/* Of the length symbols from 257 on: the least length, and the extra bits. */
static void length_symbol(unsigned length, unsigned *symbol, unsigned *extra,
			  unsigned *extra_bits)
{
	unsigned least = 3, bits = 0, n = 257;

	*symbol = 285;
	*extra = *extra_bits = 0;
	if (length == MATCH_MAX) {
		return;
	}
	while (length >= least + (1u << bits)) {
		least += 1u << bits;
		n++;
		bits = n < 265 ? 0 : (n - 261) / 4;
	}
	*symbol = n;
	*extra = length - least;
	*extra_bits = bits;
}

static inline unsigned slot_of(unsigned distance, unsigned *extra, unsigned *extra_bits)
{
	unsigned n = distance - 1, top;

	if (n < 2) {
		*extra = *extra_bits = 0;
		return n;
	}
	top = 31 - (unsigned)__builtin_clz(n);
	*extra_bits = top - 1;
	*extra = n & ((1u << *extra_bits) - 1);
	return 2 * top + (n >> *extra_bits & 1);
}

static void put_head(struct bits *b, uint32_t bits, unsigned count)
{
	put(b, (struct word){bits, count});
	flush(b);
}

/* The lengths of the codes, run by run (RFC 1951, 3.2.7). */
static void put_lengths(struct bits *b, const struct word *word, const uint8_t *length,
			size_t count)
{
	for (size_t i = 0; i < count;) {
		size_t run = 1;

		while (i + run < count && length[i + run] == length[i]) {
			run++;
		}
		put_head(b, word[length[i]].bits, word[length[i]].count);
		i++;
		for (run--; run >= 3;) {
			size_t some = run < 6 ? run : 6;

			put_head(b, word[16].bits, word[16].count);
			put_head(b, (uint32_t)some - 3, 2);
			run -= some;
			i += some;
		}
	}
}

/* The head of a block with a code of its own. */
static void make_head(struct code *code, const uint8_t *length, const uint8_t *slot)
{
	static const uint8_t order[] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
					11, 4,  12, 3, 13, 2, 14, 1, 15};
	uint8_t own[19];
	struct word word[19];
	struct bits b = {.out = code->head};

	read_lengths(own, head_lengths, 19);
	make_words(word, own, 19);
	put_head(&b, 1 | 2 << 1, 3);
	put_head(&b, SYMBOLS - 2 - 257, 5);
	put_head(&b, SLOTS - 1, 5);
	put_head(&b, 19 - 4, 4);
	for (size_t i = 0; i < 19; i++) {
		put_head(&b, own[order[i]], 3);
	}
	put_lengths(&b, word, length, SYMBOLS - 2);
	put_lengths(&b, word, slot, SLOTS);
	code->head_bits = (size_t)(b.out - code->head) * 8 + b.count;
	assert(code->head_bits / 8 + sizeof(uint64_t) <= sizeof(code->head));
}

static void make_code(struct code *code, const uint8_t *length, const uint8_t *slot)
{
	struct word symbol[SYMBOLS];

	make_words(symbol, length, SYMBOLS);
	make_words(code->slot, slot, SLOTS);
	memcpy(code->literal, symbol, sizeof(code->literal));
	for (unsigned n = MATCH_MIN; n <= MATCH_MAX; n++) {
		unsigned at, extra, extra_bits;

		length_symbol(n, &at, &extra, &extra_bits);
		code->length[n] =
			(struct word){symbol[at].bits | extra << symbol[at].count,
				      symbol[at].count + extra_bits};
	}
}

/* The code of RFC 1951, 3.2.6. */
static void make_fixed(struct code *code)
{
	uint8_t length[SYMBOLS], slot[SLOTS];

	for (size_t i = 0; i < SYMBOLS; i++) {
		length[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
	}
	memset(slot, 5, sizeof(slot));
	make_code(code, length, slot);
	code->head[0] = 1 | 1 << 1;
	code->head_bits = 3;
}

static void make_own(struct code *code, const struct lengths *lengths)
{
	uint8_t length[SYMBOLS] = {0}, slot[SLOTS];

	read_lengths(length, lengths->symbol, SYMBOLS - 2);
	read_lengths(slot, lengths->slot, SLOTS);
	make_code(code, length, slot);
	make_head(code, length, slot);
}

static void make_costs(struct shrink *s, size_t i)
{
	const struct code *code = &s->code[i];
	unsigned shift = 21 * (unsigned)i;

	for (size_t n = 0; n <= LITERALS; n++) {
		s->literal_cost[n] += (uint64_t)code->literal[n].count << shift;
	}
	for (size_t n = MATCH_MIN; n <= MATCH_MAX; n++) {
		s->length_cost[n] += (uint64_t)code->length[n].count << shift;
	}
	for (size_t n = 0; n < SLOTS; n++) {
		s->slot_cost[n] += (uint64_t)code->slot[n].count << shift;
	}
}

struct shrink *shrink_new(void)
{
	struct shrink *s = xzalloc(sizeof(*s));

	make_fixed(&s->code[0]);
	for (size_t i = 1; i < CODES; i++) {
		make_own(&s->code[i], &own_lengths[i - 1]);
	}
	for (size_t i = 0; i < CODES; i++) {
		make_costs(s, i);
	}
	s->base = 1;
	return s;
}

void shrink_free(struct shrink *s)
{
	free(s);
}

/* --- matches ----------------------------------------------------------------------- */

static inline uint32_t word_at(const uint8_t *p)
{
	uint32_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

static inline uint32_t *place_of(struct shrink *s, uint32_t word)
{
	return &s->table[word * 2654435761u >> (32 - HASH_BITS)];
}

/* The length of the match of `a` with the earlier `b`, up to `most`, of which four bytes
 * are known. */
static inline size_t match_length(const uint8_t *a, const uint8_t *b, size_t most)
{
	size_t n = MATCH_MIN;

	while (n + 8 <= most) {
		uint64_t x, y;

		memcpy(&x, a + n, sizeof(x));
		memcpy(&y, b + n, sizeof(y));
		if (x != y) {
			return n + (size_t)__builtin_ctzll(x ^ y) / 8;
		}
		n += 8;
	}
	while (n < most && a[n] == b[n]) {
		n++;
	}
	return n;
}

/* Divides the body into tokens; returns what they take in each code. */
static uint64_t find_tokens(struct shrink *s, const uint8_t *body, size_t len)
{
	uint64_t cost = s->literal_cost[END];
	size_t i = 0, literals = 0;

	s->tokens = 0;
	while (i + MATCH_MIN <= len) {
		uint32_t word = word_at(body + i), *place = place_of(s, word),
			 was = *place;
		size_t most = len - i < MATCH_MAX ? len - i : MATCH_MAX, length;
		unsigned distance, extra, extra_bits, slot;

		*place = s->base + (uint32_t)i;
		if (was < s->base || word_at(body + (was - s->base)) != word) {
			cost += s->literal_cost[body[i++]];
			literals++;
			continue;
		}
		distance = (unsigned)(i - (was - s->base));
		length = match_length(body + i, body + i - distance, most);
		slot = slot_of(distance, &extra, &extra_bits);
		cost += s->length_cost[length] + s->slot_cost[slot] +
			extra_bits * EACH_CODE;
		s->token[s->tokens++] = (struct token){
			(uint16_t)literals, (uint16_t)length, (uint16_t)distance};
		literals = 0;
		for (size_t end = i + length; ++i < end;) {
			if (i + MATCH_MIN <= len) {
				*place_of(s, word_at(body + i)) = s->base + (uint32_t)i;
			}
		}
	}
	for (; i < len; i++) {
		cost += s->literal_cost[body[i]];
		literals++;
	}
	s->token[s->tokens++] = (struct token){(uint16_t)literals, 0, 0};
	/* After so many bodies the table is cleared once. */
	s->base += (uint32_t)len;
	if (s->base > UINT32_MAX - SHRINK_MAX) {
		memset(s->table, 0, sizeof(s->table));
		s->base = 1;
	}
	return cost;
}

/* --- blocks ------------------------------------------------------------------------- */

static uint8_t *put_block(const struct shrink *s, const struct code *code, uint8_t *out,
			  const uint8_t *body)
{
	struct bits b = {.out = out};

	memcpy(out, code->head, sizeof(code->head));
	b.out += code->head_bits / 8;
	b.count = (unsigned)code->head_bits % 8;
	b.held = *b.out & ((1u << b.count) - 1);
	for (size_t i = 0; i < s->tokens; i++) {
		const struct token *t = &s->token[i];
		unsigned extra, extra_bits, slot;

		size_t n = t->literals;

		/* Three take up to 45 bits. */
		for (; n >= 3; n -= 3, body += 3) {
			put(&b, code->literal[body[0]]);
			put(&b, code->literal[body[1]]);
			put(&b, code->literal[body[2]]);
			flush(&b);
		}
		for (; n; n--) {
			put(&b, code->literal[*body++]);
		}
		flush(&b);
		if (t->length) {
			slot = slot_of(t->distance, &extra, &extra_bits);
			put(&b, code->length[t->length]);
			put(&b, code->slot[slot]);
			put(&b, (struct word){extra, extra_bits});
			flush(&b);
			body += t->length;
		}
	}
	put(&b, code->literal[END]);
	flush(&b);
	return b.out + (b.count > 0);
}

static uint8_t *put_stored(uint8_t *out, const uint8_t *body, size_t len)
{
	*out++ = 1;
	*out++ = (uint8_t)len;
	*out++ = (uint8_t)(len >> 8);
	*out++ = (uint8_t)~len;
	*out++ = (uint8_t)(~len >> 8);
	memcpy(out, body, len);
	return out + len;
}

size_t shrink_zlib(struct shrink *s, uint8_t *out, const void *body, size_t len)
{
	size_t best = CODES, least = 8 * (len + 5);
	uint8_t *end = out;
	uint64_t cost;

	assert(len <= SHRINK_MAX);
	cost = find_tokens(s, body, len);
	for (size_t i = 0; i < CODES; i++) {
		size_t bits = s->code[i].head_bits +
			      (size_t)(cost >> 21 * i & ((1u << 21) - 1));

		if (bits < least) {
			best = i;
			least = bits;
		}
	}
	*end++ = 0x78;
	*end++ = 0x01;
	end = best == CODES ? put_stored(end, body, len)
			    : put_block(s, &s->code[best], end, body);
	be32_put(end, libdeflate_adler32(1, body, len));
	return (size_t)(end - out) + 4;
}
