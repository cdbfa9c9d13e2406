/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_FAULT_H
#define DATA_BASE_FAULT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * fault - what a fault in mapped memory means. A file that is mapped and then cut short
 * raises SIGBUS when it is read; a library that believes a damaged file may raise
 * SIGSEGV or SIGABRT. None can be returned as an error: the process writes one line that names
 * the file and what mends it, and ends with status 1. Nothing that was not committed
 * counts, as after kill -9.
 *
 * Areas are added and removed by one thread. Faults of any other kind do what they did
 * before the first area was added.
 */

struct fault_area {
	const void *start; /* NULL: a SIGBUS at any address that no other area holds */
	size_t len;
	/* The line to write. Called in a signal handler: signal-safety(7). */
	const char *(*line)(const struct fault_area *area);
	struct fault_area *next;
};

/* `area` is borrowed until fault_remove. */
void fault_add(struct fault_area *area);
/* Does nothing where it was not added. */
void fault_remove(struct fault_area *area);

/* Between the two, a fault at whatever address in this thread is one of `area`: for calls
 * of the library that maps it. Returns what was entered before, for fault_leave. */
const struct fault_area *fault_enter(const struct fault_area *area);
void fault_leave(const struct fault_area *before);

/* Writes the line of `area` and ends the process. */
void fault_end(const struct fault_area *area) __attribute__((noreturn));

/* Calls `look`; false if that raised SIGBUS or SIGSEGV. */
bool fault_try(bool (*look)(void *payload), void *payload);

#endif
