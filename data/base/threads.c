/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/base/threads.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

bool threads_pay(void)
{
	const char *asked = getenv(THREADS_VARIABLE);
	cpu_set_t set;

	if (asked && strcmp(asked, "0") == 0) {
		return false;
	}
	return sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 1;
}

bool threads_start(pthread_t *out, void *(*run)(void *), void *payload)
{
	/* The kernel kills a process whose thread faults while it blocks the signal. */
	static const int faults[] = {SIGBUS, SIGSEGV, SIGABRT, SIGFPE, SIGILL};
	sigset_t all, before;
	bool started;

	sigfillset(&all);
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		sigdelset(&all, faults[i]);
	}
	pthread_sigmask(SIG_SETMASK, &all, &before);
	started = pthread_create(out, NULL, run, payload) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}
