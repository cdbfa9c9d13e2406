/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_FORMAT_SECRET_RULE_H
#define DATA_FORMAT_SECRET_RULE_H

#include <stdbool.h>

#include "data/format/secret_form.h"

/*
 * secret_rule - what a secret looks like: one table of rules, each with examples. For secret.c,
 * which brings texts here, and for the unit test, which tries the examples. A new rule is a
 * new row; if its text can be written without what secret_sieve.c looks for, it is also a new
 * line there, and the test says so.
 */

/* A token that is known by how it begins; then come `least` or more characters. Before it
 * there is no letter or digit. */
struct secret_prefix {
	const char *prefix; /* NULL: the end of the list */
	unsigned least;
	enum {
		SECRET_ALNUM,    /* letters, digits */
		SECRET_CAPITALS, /* capital letters, digits; exactly `least` of them */
		SECRET_WORD,     /* letters, digits, '_', '-' */
	} characters;
};

struct secret_rule {
	const char *name; /* after "holds": "a JSON Web Token" */
	/* Whether the text has one; any of these may be missing. */
	bool (*has)(struct secret_text text);
	const struct secret_prefix *prefix;
	/* Names of members whose value is one, if it is a string that is neither empty nor a
	 * placeholder ("***", "[FILTERED]", "<none>"). In lower case, without '_', '-' and
	 * spaces, which do not count. */
	const char *const *member;
	/* Examples, each list ends with NULL: strings in which the rule finds a secret, and
	 * strings in which no rule does. One that is a JSON object also holds as a record. */
	const char *const *matches, *const *passes;
};

/* Ends with a rule without a name. */
extern const struct secret_rule secret_rule_table[];

/* The first rule that finds a secret in the text, or NULL. Escapes have been undone. */
const struct secret_rule *secret_rule_find(struct secret_text text);
/* The rule that has a member of this name, if `value` is a value; or NULL. */
const struct secret_rule *secret_rule_of_member(struct secret_text name,
						struct secret_text value);

#endif
