/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/evidence/signers.h"

#include <fcntl.h>
#include <nettle/base64.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/file.h"

#define SIGNERS_MAX ((size_t)1 << 20)
#define EXAMPLE "'exporter@example.org ssh-ed25519 AAAA...'"

struct word {
	const char *text;
	size_t len;
};

/* The next word of a line that ends at `end`. Empty: there is none. */
static struct word next_word(const char **at, const char *end)
{
	struct word word;

	while (*at < end && strchr(" \t\r", **at)) {
		(*at)++;
	}
	word.text = *at;
	while (*at < end && !strchr(" \t\r", **at)) {
		(*at)++;
	}
	word.len = (size_t)(*at - word.text);
	return word;
}

/* Whether `key` is a public key of the type: its bytes begin with that name. */
static bool is_key(const struct word *type, const struct word *key)
{
	uint8_t *raw = xmalloc(BASE64_DECODE_LENGTH(key->len) + 1);
	struct base64_decode_ctx decode;
	size_t len = 0;
	bool good;

	base64_decode_init(&decode);
	good = base64_decode_update(&decode, &len, raw, key->len, key->text) &&
	       len > 4 + type->len && be32_get(raw) == type->len &&
	       memcmp(raw + 4, type->text, type->len) == 0;
	free(raw);
	return good;
}

/* Whether a line has a name, and a key behind it. */
static bool is_signer(const char *line, const char *end)
{
	struct word name = next_word(&line, end);
	struct word type = next_word(&line, end);
	struct word key = next_word(&line, end);

	if (!name.len || *name.text == '#') {
		return false;
	}
	while (key.len) {
		if (is_key(&type, &key)) {
			return true;
		}
		type = key;
		key = next_word(&line, end);
	}
	return false;
}

static int check(const char *text, size_t len, const char *path, struct err *err)
{
	static const char private[] = "PRIVATE KEY-----";
	const char *end = text + len;
	bool any = false;

	if (memmem(text, len, private, strlen(private))) {
		return err_set(
			err, ERR_INPUT,
			"'%s' holds a private key, which belongs in no evidence; the "
			"file of --signers has lines of a name and a public key, "
			"as in " EXAMPLE,
			path);
	}
	while (!any && text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *line_end = newline ? newline : end;

		any = is_signer(text, line_end);
		text = newline ? newline + 1 : end;
	}
	if (!any) {
		return err_set(
			err, ERR_INPUT,
			"'%s' names no signer: no line of it has a name and a public "
			"key, as in " EXAMPLE "; see ssh-keygen(1), ALLOWED SIGNERS",
			path);
	}
	return 0;
}

int signers_read(struct buf *out, const char *path, struct err *err)
{
	/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t before = out->len;
	struct stat st;
	int rc;

	if (fd < 0) {
		return err_sys_find(err, "cannot read the signers '%s'", path);
	}
	if (fstat(fd, &st) < 0) {
		rc = err_sys(err, "cannot stat '%s'", path);
	} else if (!S_ISREG(st.st_mode)) {
		rc = err_set(err, ERR_INPUT, "the signers '%s' are not a regular file",
			     path);
	} else {
		rc = file_read_fd(out, fd, SIGNERS_MAX, path, err);
	}
	close(fd);
	return rc ? rc : check(out->data + before, out->len - before, path, err);
}
