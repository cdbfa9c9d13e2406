/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/mapped.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What a signal handler needs cannot be passed to it. */
static char line[1024];
static struct sigaction before;

static void on_sigbus(int number)
{
	if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
		before.sa_handler(number);
	}
	(void)!write(STDERR_FILENO, line, strlen(line));
	_exit(1);
}

void mapped_guard(const char *path)
{
	struct sigaction action = {.sa_handler = on_sigbus}, now;

	snprintf(
		line, sizeof(line),
		"albumen-exporter: error: a pack of '%.200s' was cut short, or could not "
		"be read, while it was in use; see: git -C '%.200s' fsck\n",
		path, path);
	if (sigaction(SIGBUS, NULL, &now) == 0 && now.sa_handler != on_sigbus) {
		before = now;
		if (before.sa_flags & SA_SIGINFO) {
			/* A sanitizer's: it would take over. */
			before = (struct sigaction){.sa_handler = SIG_DFL};
		}
		sigaction(SIGBUS, &action, NULL);
	}
}
