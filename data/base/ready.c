/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/base/ready.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Nobody listens where there is no $NOTIFY_SOCKET. */
static int notify_manager(const char *status, struct err *err)
{
	const char *name = getenv("NOTIFY_SOCKET");
	char message[128];
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len;
	int rc = 0;
	int fd;

	if (!name || !*name) {
		return 0;
	}
	snprintf(message, sizeof(message), "READY=1\nSTATUS=%s", status);
	len = strlen(name);
	if (len < 2 || len >= sizeof(address.sun_path) ||
	    (*name != '/' && *name != '@')) {
		return err_set(err, ERR_FAIL, "cannot use NOTIFY_SOCKET '%s'", name);
	}
	memcpy(address.sun_path, name, len);
	if (*name == '@') {
		address.sun_path[0] = '\0'; /* an abstract socket */
	}
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return err_sys(err, "cannot make a socket");
	}
	if (sendto(fd, message, strlen(message), MSG_NOSIGNAL,
		   (const struct sockaddr *)&address,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0) {
		rc = err_sys(err, "cannot notify '%s'", name);
	}
	close(fd);
	return rc;
}

int ready_check(long long fd, struct err *err)
{
	if (fd >= 0 && (fd > INT_MAX || fcntl((int)fd, F_GETFD) < 0)) {
		return err_set(err, ERR_USAGE,
			       "option '--ready-fd': no file is open at descriptor %lld",
			       fd);
	}
	return 0;
}

int ready_report(int fd, struct err *err)
{
	int rc = 0;

	if (fd >= 0) {
		static const char line[] = "ready\n";
		ssize_t n;

		do {
			n = write(fd, line, sizeof(line) - 1);
		} while (n < 0 && errno == EINTR);
		if (n < 0) {
			rc = err_sys(err, "cannot write to --ready-fd %d", fd);
		}
		close(fd);
	}
	return rc ? rc : notify_manager("", err);
}

void ready_waiting(const char *what)
{
	notify_manager(what, NULL);
}
