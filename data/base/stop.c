/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/base/stop.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

int stop_open(struct stop *stop, struct err *err)
{
	sigset_t set;

	*stop = (struct stop){.fd = -1};
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	signal(SIGPIPE, SIG_IGN); /* a closed pipe is then a write error */
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) {
		return err_sys(err, "cannot block signals");
	}
	stop->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (stop->fd < 0) {
		return err_sys(err, "cannot make a signal descriptor");
	}
	return 0;
}

void stop_close(struct stop *stop)
{
	if (stop && stop->fd >= 0) {
		close(stop->fd);
		stop->fd = -1;
	}
}

bool stop_asked(struct stop *stop)
{
	struct signalfd_siginfo info;

	if (!stop->asked && read(stop->fd, &info, sizeof(info)) == sizeof(info)) {
		stop->asked = true;
	}
	return stop->asked;
}

int stop_check(struct stop *stop, struct err *err)
{
	if (!stop_asked(stop)) {
		return 0;
	}
	return err_set(err, ERR_STOPPED, "stopped by a signal");
}
