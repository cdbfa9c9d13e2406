/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/evidence/sign_key.h"

#include <fcntl.h>
#include <nettle/base64.h>
#include <nettle/sha2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/buf.h"

/* Neither program waits for anybody here, unless an agent hangs. */
#define CHECK_LIMIT_S 60
/* The file of a private key begins with this, whatever its format. */
#define PRIVATE "-----BEGIN "
/* The service has a file that begins with this in place of a key that is not there
 * (SetCredential= of the unit). */
#define MISSING "there is no "
#define MISSING_MAX 300
/* A public key of 16,384 bits, the longest that OpenSSH takes, has 2,900 bytes. */
#define PUBLIC_MAX 8192

void sign_key_fingerprint(char out[SIGN_KEY], const uint8_t *key, size_t len)
{
	struct sha256_ctx hash;
	uint8_t digest[SHA256_DIGEST_SIZE];
	char text[BASE64_ENCODE_RAW_LENGTH(SHA256_DIGEST_SIZE) + 1] = "";

	sha256_init(&hash);
	sha256_update(&hash, len, key);
	sha256_digest(&hash, sizeof(digest), digest);
	base64_encode_raw(text, sizeof(digest), digest);
	text[strcspn(text, "=")] = '\0';
	snprintf(out, SIGN_KEY, "SHA256:%s", text);
}

/* --- what is wrong with a key --- */

int sign_key_readable(const char *key, struct err *err)
{
	struct stat st;

	if (access(key, R_OK) < 0) {
		int reason =
			err_sys_find(err, "cannot sign: cannot read the key '%s'", key);

		return reason == ERR_NOTFOUND ? ERR_INPUT : reason;
	}
	if (stat(key, &st) == 0 && !S_ISREG(st.st_mode)) {
		return err_set(err, ERR_INPUT, "cannot sign: the key '%s' is not a file",
			       key);
	}
	return 0;
}

int sign_key_refuse(struct tool *tool, const char *key, struct err *err)
{
	const char *said = tool->errors.len ? tool->errors.data : "";

	if (strstr(said, "incorrect passphrase")) {
		return err_set(err, ERR_INPUT,
			       "cannot sign: the key '%s' has a passphrase, and no agent "
			       "holds it; run ssh-add with it and set SSH_AUTH_SOCK, or "
			       "name another key",
			       key);
	}
	if (strstr(said, "UNPROTECTED PRIVATE KEY")) {
		return err_set(err, ERR_INPUT,
			       "cannot sign: others may read the private key '%s', so "
			       "ssh-keygen ignores it; run: chmod 600 '%s'",
			       key, key);
	}
	return err_set(err, ERR_INPUT,
		       "cannot sign with the key '%s': %s; name the file of a private "
		       "key, or of a public one whose private half an agent holds",
		       key, tool_why(tool));
}

/* --- checking one --- */

/* Reads a line "TYPE BASE64 COMMENT", as of a file .pub. False: it is none. */
static bool read_public(char out[SIGN_KEY], const struct buf *line)
{
	const char *text = line->len ? strchr(line->data, ' ') : NULL;
	size_t text_len = text ? strcspn(text + 1, " \n") : 0, len = 0;
	uint8_t *raw = xmalloc(BASE64_DECODE_LENGTH(text_len) + 1);
	struct base64_decode_ctx decode;
	bool good;

	base64_decode_init(&decode);
	good = text_len && base64_decode_update(&decode, &len, raw, text_len, text + 1) &&
	       len;
	if (good) {
		sign_key_fingerprint(out, raw, len);
	}
	free(raw);
	return good;
}

/* Whether it is a private key without a passphrase. What ssh-keygen says otherwise is left
 * in *tool. */
static int try_private(bool *good, char out[SIGN_KEY], struct tool *tool, const char *key,
		       struct err *err)
{
	const char *argv[] = {"ssh-keygen", "-y", "-P", "", "-f", key, NULL};
	struct buf line = {0};
	int rc;

	*tool = (struct tool){.argv = argv, .output = &line, .limit_s = CHECK_LIMIT_S};
	rc = tool_run(tool, err);
	*good = !rc && tool->status == 0 && read_public(out, &line);
	tool->argv = NULL; /* these end here */
	tool->output = NULL;
	buf_release(&line);
	return rc;
}

/* The fingerprint of a private key's or a public key's file: the second word. */
static int read_fingerprint(bool *good, char out[SIGN_KEY], const char *key,
			    struct err *err)
{
	const char *argv[] = {"ssh-keygen", "-l", "-E", "sha256", "-f", key, NULL};
	struct buf line = {0};
	struct tool tool = {.argv = argv, .output = &line, .limit_s = CHECK_LIMIT_S};
	int rc = tool_run(&tool, err);

	*good = !rc && tool.status == 0 && line.len &&
		sscanf(line.data, "%*s %79s", out) == 1;
	buf_release(&line);
	tool_release(&tool);
	return rc;
}

/* Whether an agent holds the key of this fingerprint. */
static int ask_agent(bool *good, const char *fingerprint, struct err *err)
{
	const char *argv[] = {"ssh-add", "-l", "-E", "sha256", NULL};
	struct buf list = {0}, word = {0};
	struct tool tool = {.argv = argv, .output = &list, .limit_s = CHECK_LIMIT_S};
	int rc = tool_run(&tool, err);

	buf_addf(&word, " %s ", fingerprint);
	*good = !rc && list.len && strstr(list.data, word.data);
	buf_release(&list);
	buf_release(&word);
	tool_release(&tool);
	return rc;
}

/* As ssh-keygen does, finds the private key beside the file of a public one, or of a
 * certificate. Heap; NULL: there is none. */
static char *find_private(const char *key)
{
	static const char *const suffix[] = {"-cert.pub", ".pub"};
	size_t len = strlen(key);

	for (size_t i = 0; i < sizeof(suffix) / sizeof(*suffix); i++) {
		size_t suffix_len = strlen(suffix[i]);

		if (len > suffix_len && strcmp(key + len - suffix_len, suffix[i]) == 0) {
			char *private = xmemdup0(key, len - suffix_len);

			if (access(private, R_OK) == 0) {
				return private;
			}
			free(private);
		}
	}
	return NULL;
}

/* Reads up to `most` bytes of a key's file, through links. */
static int read_start(struct buf *out, const char *key, size_t most, struct err *err)
{
	int fd = open(key, O_RDONLY | O_CLOEXEC);
	char *bytes = xmalloc(most);
	ssize_t len = fd < 0 ? -1 : read(fd, bytes, most);
	int rc = 0;

	if (len < 0) {
		rc = err_sys(err, "cannot sign: cannot read the key '%s'", key);
	} else {
		buf_add(out, bytes, (size_t)len);
	}
	if (fd >= 0) {
		close(fd);
	}
	free(bytes);
	return rc;
}

/* ssh-keygen takes KEY.pub for the public half of KEY, and fails if it is not. */
static int check_beside(const char *fingerprint, const char *key, struct err *err)
{
	struct buf path = {0}, text = {0};
	char beside[SIGN_KEY];
	int rc = 0;

	buf_addf(&path, "%s.pub", key);
	if (read_start(&text, path.data, PUBLIC_MAX, NULL) == 0 &&
	    read_public(beside, &text) && strcmp(beside, fingerprint) != 0) {
		rc = err_set(
			err, ERR_INPUT,
			"cannot sign with the key '%s': '%s' is of another key; make "
			"it again with: ssh-keygen -y -f '%s' >'%s'",
			key, path.data, key, path.data);
	}
	buf_release(&path);
	buf_release(&text);
	return rc;
}

static int check_private(char out[SIGN_KEY], const char *key, struct err *err)
{
	struct tool tool;
	bool good, known = false;
	int rc = try_private(&good, out, &tool, key, err);

	if (!rc && good) {
		rc = check_beside(out, key, err);
	} else if (!rc) {
		rc = read_fingerprint(&known, out, key, err);
		if (!rc && known) {
			rc = ask_agent(&good, out, err);
		}
	}
	if (!rc && !good) {
		rc = sign_key_refuse(&tool, key, err);
	}
	tool_release(&tool);
	return rc;
}

/* Refuses a file that only says that there is no key. */
static int check_missing(const char *key, struct err *err)
{
	struct buf text = {0};
	int rc = read_start(&text, key, MISSING_MAX, err);

	if (!rc && text.len && strncmp(text.data, MISSING, strlen(MISSING)) == 0) {
		rc = err_set(err, ERR_INPUT,
			     "cannot sign: %.*s, of which '%s' is to be a copy; put the "
			     "key there",
			     (int)strcspn(text.data, "\n"), text.data, key);
	}
	buf_release(&text);
	return rc;
}

static int check_public(char out[SIGN_KEY], const char *key, struct err *err)
{
	char *private = find_private(key);
	char beside[SIGN_KEY];
	bool is_key = false, good = false;
	struct tool tool;
	int rc = check_missing(key, err);

	rc = rc ? rc : read_fingerprint(&is_key, out, key, err);
	if (!rc && is_key) {
		rc = ask_agent(&good, out, err);
	}
	if (!rc && is_key && !good && private) {
		rc = try_private(&good, beside, &tool, private, err);
		good = good && strcmp(beside, out) == 0;
		tool_release(&tool);
	}
	free(private);
	return rc || good
		       ? rc
		       : err_set(err, ERR_INPUT,
				 "cannot sign with the key '%s': %s; name the file of a "
				 "private key, or of a public one whose private half an "
				 "agent holds",
				 key,
				 is_key ? "no agent holds its private half"
					: "it is not an OpenSSH key");
}

int sign_key_check(char out[SIGN_KEY], const char *key, struct err *err)
{
	struct buf begin = {0};
	int rc = sign_key_readable(key, err);

	*out = '\0';
	rc = rc ? rc : read_start(&begin, key, strlen(PRIVATE), err);
	if (!rc) {
		rc = begin.len && strcmp(begin.data, PRIVATE) == 0
			     ? check_private(out, key, err)
			     : check_public(out, key, err);
	}
	buf_release(&begin);
	return rc;
}
