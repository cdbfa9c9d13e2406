/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/index/codec.h"

static void round_trip(struct codec *codec, unsigned kind, const char *text, size_t len)
{
	struct buf packed = {0}, back = {0};
	struct err err = {0};

	codec_pack(codec, &packed, kind, text, len);
	assert_int_equal(codec_unpack(codec, &back, packed.data, packed.len, &err), 0);
	assert_int_equal(back.len, len);
	assert_memory_equal(back.data, text, len);
	buf_release(&packed);
	buf_release(&back);
}

/* Samples that share most of their text, like records of one kind. */
static void make_samples(struct buf *samples, size_t *sizes)
{
	for (unsigned i = 0; i < CODEC_TRAIN_COUNT; i++) {
		size_t before = samples->len;

		buf_addf(samples,
			 "{\"public_id\":\"%08x-%04x\",\"album_id\":\"album-%u\","
			 "\"width\":%u,\"thumbnails\":{\"full\":\"/assets/"
			 "blank.jpg#%x\",\"original\":\"/assets/blank.jpg"
			 "#https://res.cloudinary.com/one/image/authenticated/"
			 "s--%08x--/c_fit,h_1920,w_1920/fl_attachment/dpr_auto,"
			 "q_auto,f_auto/v1600000000/%06x.jpg\"},\"title\":null,"
			 "\"description\":null,\"page\":1,\"group_id\":null,"
			 "\"etag\":null,\"format\":\"jpg\",\"rotation\":0,"
			 "\"processed\":false,\"processing_error\":null}",
			 i * 2654435761u, i, i % 7, i * 31, i * 40503u, i * 2246822519u,
			 i * 77u);
		sizes[i] = samples->len - before;
	}
}

static void texts_come_back_as_they_were(void **state)
{
	struct codec *codec = codec_new();
	char *large = xmalloc(1 << 20);

	(void)state;
	memset(large, 'x', 1 << 20);
	round_trip(codec, 1, "", 0);
	round_trip(codec, 1, "a", 1);
	round_trip(codec, 1, "a\0b", 3);
	round_trip(codec, 2, large, 1 << 20);
	free(large);
	codec_free(codec);
}

static void short_texts_are_stored_as_they_are(void **state)
{
	static const char text[] = "{\"public_id\":\"i\",\"album_id\":\"a\",\"title\":"
				   "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}";
	struct codec *codec = codec_new();
	struct buf packed = {0};

	(void)state;
	codec_pack(codec, &packed, 1, text, sizeof(text) - 1);
	assert_non_null(memmem(packed.data, packed.len, text, sizeof(text) - 1));
	assert_true(codec_can_unpack(codec, packed.data, packed.len));
	round_trip(codec, 1, text, sizeof(text) - 1);
	buf_release(&packed);
	codec_free(codec);
}

static void a_dictionary_makes_alike_texts_small(void **state)
{
	struct codec *codec = codec_new();
	struct buf samples = {0}, dictionary = {0}, plain = {0}, small = {0}, back = {0};
	size_t *sizes = xreallocarray(NULL, CODEC_TRAIN_COUNT, sizeof(*sizes));
	struct err err = {0};

	(void)state;
	make_samples(&samples, sizes);
	assert_int_equal(codec_train(&dictionary, samples.data, sizes, CODEC_TRAIN_COUNT),
			 0);
	codec_pack(codec, &plain, 3, samples.data, sizes[0]);
	codec_set_dictionary(codec, 3, dictionary.data, dictionary.len);
	assert_true(codec_has_dictionary(codec, 3));
	assert_false(codec_has_dictionary(codec, 2));
	codec_pack(codec, &small, 3, samples.data, sizes[0]);
	assert_true(small.len < plain.len / 2);
	round_trip(codec, 3, samples.data, sizes[0]);
	/* a text packed without the dictionary is still readable; another codec cannot
	 * read a text packed with it */
	assert_int_equal(codec_unpack(codec, &back, plain.data, plain.len, &err), 0);
	codec_set_dictionary(codec, 3, NULL, 0);
	assert_int_equal(codec_unpack(codec, &back, small.data, small.len, &err),
			 ERR_FORMAT);
	buf_release(&samples);
	buf_release(&dictionary);
	buf_release(&plain);
	buf_release(&small);
	buf_release(&back);
	free(sizes);
	codec_free(codec);
}

/* Dictionaries of similar samples: a frame might unpack with the wrong one. */
static void a_text_is_not_unpacked_with_another_dictionary(void **state)
{
	struct codec *codec = codec_new();
	struct buf samples = {0}, dictionary[2] = {{0}}, packed = {0}, back = {0};
	size_t *sizes = xreallocarray(NULL, CODEC_TRAIN_COUNT, sizeof(*sizes));
	struct err err = {0};

	(void)state;
	make_samples(&samples, sizes);
	assert_int_equal(codec_train(&dictionary[0], samples.data, sizes, 1000), 0);
	assert_int_equal(codec_train(&dictionary[1], samples.data, sizes, 900), 0);
	assert_true(codec_dictionary_id(dictionary[0].data, dictionary[0].len) != 0);
	assert_true(codec_dictionary_id(dictionary[0].data, dictionary[0].len) !=
		    codec_dictionary_id(dictionary[1].data, dictionary[1].len));
	assert_int_equal(codec_dictionary_id("none", 4), 0);
	codec_set_dictionary(codec, 3, dictionary[0].data, dictionary[0].len);
	codec_pack(codec, &packed, 3, samples.data, sizes[0]);
	assert_true(codec_can_unpack(codec, packed.data, packed.len));
	codec_set_dictionary(codec, 3, dictionary[1].data, dictionary[1].len);
	assert_false(codec_can_unpack(codec, packed.data, packed.len));
	assert_int_equal(codec_unpack(codec, &back, packed.data, packed.len, &err),
			 ERR_FORMAT);
	codec_set_dictionary(codec, 3, dictionary[0].data, dictionary[0].len);
	assert_int_equal(codec_unpack(codec, &back, packed.data, packed.len, &err), 0);
	assert_int_equal(back.len, sizes[0]);
	for (size_t i = 0; i < 2; i++) {
		buf_release(&dictionary[i]);
	}
	buf_release(&samples);
	buf_release(&packed);
	buf_release(&back);
	free(sizes);
	codec_free(codec);
}

static void damaged_bytes_are_refused(void **state)
{
	static const char *const bad[] = {"", "\x01", "\x01garbage that is no frame",
					  "\x05garbage", "\x7f"};
	struct codec *codec = codec_new();
	struct buf back = {0};
	struct err err = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(codec_unpack(codec, &back, bad[i], strlen(bad[i]), &err),
				 ERR_FORMAT);
	}
	buf_release(&back);
	codec_free(codec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_come_back_as_they_were),
		cmocka_unit_test(short_texts_are_stored_as_they_are),
		cmocka_unit_test(a_dictionary_makes_alike_texts_small),
		cmocka_unit_test(a_text_is_not_unpacked_with_another_dictionary),
		cmocka_unit_test(damaged_bytes_are_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
