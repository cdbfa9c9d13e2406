/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_VERIFY_VERIFY_AGREE_H
#define EXPORTER_VERIFY_VERIFY_AGREE_H

#include "exporter/verify/verify_rows.h"

/* verify_agree - reports where the rows that are marked contradict each other, and unmarks
 * them: albums, which say where images lie, then images and tags. */
void verify_agree(struct verify_rows *rows);

#endif
