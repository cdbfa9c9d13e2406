/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/pack/mapped.h"

#include <stdio.h>

#include "data/base/fault.h"

/* A signal handler gets no argument of ours. */
static char line[1024];

static const char *fault_line(const struct fault_area *area)
{
	(void)area;
	return line;
}

void mapped_guard(const char *path)
{
	static struct fault_area area = {.line = fault_line};

	snprintf(
		line, sizeof(line),
		"albumen-exporter: error: a pack of '%.200s' was cut short, or could not "
		"be read, while it was in use; see: git -C '%.200s' fsck\n",
		path, path);
	fault_remove(&area);
	fault_add(&area);
}
