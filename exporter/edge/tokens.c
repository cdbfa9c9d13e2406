/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/edge/tokens.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/buf.h"
#include "data/base/file.h"
#include "data/format/json.h"
#include "exporter/snapshot/response.h"

#define TOKENS_MAX ((size_t)1 << 20) /* bytes of the file */
#define EVERYTHING "albumen"         /* token.js */

static int check_mode(int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0) {
		return err_sys(err, "cannot stat '%s'", path);
	}
	if (!S_ISREG(st.st_mode)) {
		return err_set(err, ERR_INPUT, "'%s' is not a regular file", path);
	}
	if (st.st_mode & S_IRWXO) {
		return err_set(
			err, ERR_REFUSED,
			"'%s' holds secrets, and others than its owner and its group "
			"may open it; chmod o= takes that away",
			path);
	}
	return 0;
}

static size_t line_of(const char *text, size_t off)
{
	size_t line = 1;

	for (size_t i = 0; i < off; i++) {
		line += text[i] == '\n';
	}
	return line;
}

/* Sets *why and *at, the offset in the canonical text, to what is wrong with the object. */
static void check_members(const char **why, size_t *at, const char *canon, size_t len)
{
	struct json_object object = {0};
	size_t twice;

	json_members(&object, canon, len);
	twice = json_duplicate(&object, canon);
	*at = 0;
	if (object.count == 0) {
		*why = "it names no issuer, so no token would be right";
	} else if (twice != (size_t)-1) {
		*why = "an issuer stands twice";
		*at = twice;
	}
	for (size_t i = 0; !*why && i < object.count; i++) {
		const struct json_span *secret = &object.member[i].value;

		*at = secret->off;
		if (canon[secret->off] != '"') {
			*why = "a secret must be a string";
		} else if (secret->len == strlen("\"\"")) {
			*why = "a secret is empty: anybody could sign with it";
		}
	}
	json_object_release(&object);
}

static int check_text(const char *path, const char *text, size_t len, struct err *err)
{
	struct buf canon = {0};
	struct json_value value;
	const char *why = NULL;
	size_t at = 0;

	if (json_read(&canon, &value, text, len) < 0) {
		why = value.reason;
		at = value.failed_at;
	} else if (value.unusable) {
		why = value.unusable;
		at = value.unusable_at;
	} else if (json_skip_space(text, len, value.end) != len) {
		why = "something follows the object";
		at = json_skip_space(text, len, value.end);
	} else if (canon.data[0] != '{') {
		why = "it must be an object of secrets, by their issuer: "
		      "{\"ISSUER\":\"SECRET\"}";
		at = value.begin;
	} else {
		check_members(&why, &at, canon.data, canon.len);
		at = why ? json_source_offset(text, len, at) : 0;
	}
	buf_release(&canon);
	return why ? err_set(err, ERR_INPUT,
			     "the keys of tokens cannot be used: %s:%zu: %s", path,
			     line_of(text, at), why)
		   : 0;
}

int tokens_check(const char *path, struct err *err)
{
	struct buf text = {0};
	/* O_NONBLOCK: a FIFO does not hold it up. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int rc;

	if (fd < 0) {
		return err_sys_find(err, "cannot open '%s'", path);
	}
	if ((rc = check_mode(fd, path, err)) == 0 &&
	    (rc = file_read_fd(&text, fd, TOKENS_MAX, path, err)) == 0) {
		rc = check_text(path, text.data ? text.data : "", text.len, err);
	}
	buf_release(&text);
	close(fd);
	return rc;
}

int tokens_check_site(const char *site, struct err *err)
{
	struct buf path = {0};
	bool is_there;

	buf_addf(&path, "%s/", site);
	response_site_path(&path, response_of(QUERY_IMAGES), EVERYTHING,
			   strlen(EVERYTHING));
	is_there = access(path.data, F_OK) == 0;
	buf_release(&path);
	return is_there ? err_set(err, ERR_REFUSED,
				  "the site '%s' has an album '" EVERYTHING
				  "', a name that stands, in a token, for all that "
				  "belongs "
				  "to no album; give the album another name",
				  site)
			: 0;
}
