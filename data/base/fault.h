/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_FAULT_H
#define DATA_BASE_FAULT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * fault - turns a fault in mapped memory into an error message. Reading a mapped file
 * that was cut short raises SIGBUS; a library that trusts a damaged file may raise
 * SIGSEGV or SIGABRT. No function can return these as an error. The handler writes one
 * line that names the file and the remedy, and the process exits with status 1. As
 * after kill -9, nothing uncommitted remains.
 *
 * One thread adds and removes areas. All other faults keep the behaviour that they had
 * before the first area was added.
 */

struct fault_area {
	/* NULL: every address that no other area contains, for SIGBUS. */
	const void *start;
	size_t len;
	/* Returns the line to write. Called in a signal handler: signal-safety(7). */
	const char *(*line)(const struct fault_area *area);
	struct fault_area *next;
};

/* `area` is borrowed until fault_remove. */
void fault_add(struct fault_area *area);
/* Does nothing if `area` was not added. */
void fault_remove(struct fault_area *area);

/* Between these two calls, any fault in this thread counts as a fault in `area`,
 * whatever the address: for calls of the library that maps it. fault_enter returns the
 * area entered before, which fault_leave restores. */
const struct fault_area *fault_enter(const struct fault_area *area);
void fault_leave(const struct fault_area *before);

/* Writes the line of `area` and exits. */
void fault_end(const struct fault_area *area) __attribute__((noreturn));

/* Calls `look`. Returns its result, or false if it raised SIGBUS or SIGSEGV. */
bool fault_try(bool (*look)(void *payload), void *payload);

#endif
