# SPDX-License-Identifier: GPL-2.0-or-later
"""All rows by name. A row is a class with `case(number, rng)`: one case, drawn from
`rng` alone; it returns "refused" if a program refused, and raises Loss."""

import fault
import live
import state

ROWS = {}
for module in (fault, live, state):
    ROWS.update(module.ROWS)
