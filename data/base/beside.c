/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/base/beside.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "data/base/file.h"

#define FILE_MAX (1 << 20)

int beside_find(struct buf *out, const char *folder, const char *file, struct err *err)
{
	static const char *const place[] = {"", "../share/albumen/"};
	char program[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);
	size_t start = out->len;

	if (len < 0) {
		return err_sys(err, "cannot read '/proc/self/exe'");
	}
	program[len] = '\0';
	*strrchr(program, '/') = '\0';
	for (size_t i = 0; i < sizeof(place) / sizeof(*place); i++) {
		size_t end;

		buf_setlen(out, start);
		buf_addf(out, "%s/%s%s", program, place[i], folder);
		end = out->len;
		buf_addf(out, "/%s", file);
		if (access(out->data + start, R_OK) == 0) {
			buf_setlen(out, end);
			return 0;
		}
	}
	buf_setlen(out, start);
	return err_set(err, ERR_NOTFOUND,
		       "cannot find %s in '%s/%s' or '%s/%s%s'; reinstall the program",
		       file, program, folder, program, place[1], folder);
}

int beside_read(struct buf *out, const char *path, const char *file, struct err *err)
{
	struct buf name = {0};
	int fd, rc;

	buf_addf(&name, "%s/%s", path, file);
	fd = open(name.data, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		rc = err_sys_find(err, "cannot open '%s'", name.data);
	} else {
		rc = file_read_fd(out, fd, FILE_MAX, name.data, err);
		close(fd);
	}
	buf_release(&name);
	return rc;
}

void beside_fill(struct buf *out, const char *template, const struct beside_word *words,
		 size_t count)
{
	for (const char *at = template; *at;) {
		size_t len = strcspn(at, "@"), i = 0;

		buf_add(out, at, len);
		at += len;
		while (i < count &&
		       strncmp(at, words[i].word, strlen(words[i].word)) != 0) {
			i++;
		}
		if (i < count) {
			buf_add(out, words[i].text->data, words[i].text->len);
			at += strlen(words[i].word);
		} else if (*at) {
			buf_addch(out, *at++);
		}
	}
}
