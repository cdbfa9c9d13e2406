/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/base/fault.h"

#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* malloc(3) raises SIGABRT when the heap was overwritten. */
static const int caught[] = {SIGBUS, SIGSEGV, SIGABRT};
#define CAUGHT (sizeof(caught) / sizeof(*caught))

/* A signal handler takes no arguments of ours. */
static struct fault_area *areas;
static struct sigaction before[CAUGHT];
static _Thread_local const struct fault_area *entered;
static _Thread_local sigjmp_buf *trying;

static const struct fault_area *find(int signal, const char *at)
{
	const struct fault_area *anywhere = NULL;

	for (const struct fault_area *area = areas; area; area = area->next) {
		const char *start = area->start;

		if (start && at >= start && at < start + area->len) {
			return area;
		}
		if (!start && signal == SIGBUS) {
			anywhere = area;
		}
	}
	return entered ? entered : anywhere;
}

void fault_end(const struct fault_area *area)
{
	const char *line = area->line(area);

	(void)!write(STDERR_FILENO, line, strlen(line));
	_exit(1);
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
	/* kill(2) and sigqueue(3) send with these codes; abort(3) uses tgkill(2). */
	bool sent = info->si_code == SI_USER || info->si_code == SI_QUEUE;
	const struct fault_area *area;

	(void)context;
	if (trying && !sent) {
		siglongjmp(*trying, 1);
	}
	area = sent ? NULL : find(signal, signal == SIGABRT ? NULL : info->si_addr);
	if (area) {
		fault_end(area);
	}
	/* Restore the old handlers. The faulting access is repeated when this one
	 * returns; abort(3) raises its signal again. */
	for (size_t i = 0; i < CAUGHT; i++) {
		if (caught[i] == signal) {
			sigaction(signal, &before[i], NULL);
		}
	}
	if (sent) {
		raise(signal); /* delivered when the handler returns */
	}
}

static void take_over(struct sigaction *old)
{
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

	for (size_t i = 0; i < CAUGHT; i++) {
		sigaction(caught[i], &action, &old[i]);
	}
}

static void hand_back(const struct sigaction *old)
{
	for (size_t i = 0; i < CAUGHT; i++) {
		sigaction(caught[i], &old[i], NULL);
	}
}

void fault_add(struct fault_area *area)
{
	if (!areas) {
		take_over(before);
	}
	area->next = areas;
	areas = area;
}

void fault_remove(struct fault_area *area)
{
	struct fault_area **at = &areas;

	while (*at && *at != area) {
		at = &(*at)->next;
	}
	if (*at) {
		*at = area->next;
		if (!areas) {
			hand_back(before);
		}
	}
}

const struct fault_area *fault_enter(const struct fault_area *area)
{
	const struct fault_area *outer = entered;

	entered = area;
	return outer;
}

void fault_leave(const struct fault_area *outer)
{
	entered = outer;
}

bool fault_try(bool (*look)(void *payload), void *payload)
{
	struct sigaction old[CAUGHT];
	sigjmp_buf back;
	volatile bool good = false; /* longjmp(3) */

	take_over(old);
	if (!sigsetjmp(back, 1)) {
		trying = &back;
		good = look(payload);
	}
	trying = NULL;
	hand_back(old);
	return good;
}
