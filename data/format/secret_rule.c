/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/format/secret_rule.h"

#include <string.h>

#include "data/format/secret_char.h"

#define NAME_MAX_BYTES 40 /* of a member */

/* --- tokens known by their beginning ---------------------------------------------- */

static bool fits(char c, const struct secret_prefix *prefix)
{
	switch (prefix->characters) {
	case SECRET_ALNUM:
		return secret_char_is_letter(c) || secret_char_is_digit(c);
	case SECRET_CAPITALS:
		return (c >= 'A' && c <= 'Z') || secret_char_is_digit(c);
	default:
		return secret_char_is_base64url(c);
	}
}

/* The id of a key is in each signed URL, where it is no secret. */
static bool is_in_signed_url(struct secret_text text, const char *at)
{
	static const char *const before[] = {"Credential=", "AWSAccessKeyId="};

	for (size_t i = 0; i < sizeof(before) / sizeof(*before); i++) {
		size_t len = strlen(before[i]);

		if ((size_t)(at - text.at) >= len &&
		    memcmp(at - len, before[i], len) == 0) {
			return true;
		}
	}
	return false;
}

static bool has_prefixed(struct secret_text text, const struct secret_prefix *prefix)
{
	size_t len = strlen(prefix->prefix);
	const char *at = text.at, *end = text.end;

	while ((at = memmem(at, (size_t)(end - at), prefix->prefix, len))) {
		const char *begin = at;

		at += len;
		while (at < end && fits(*at, prefix)) {
			at++;
		}
		if ((size_t)(at - begin) < len + prefix->least ||
		    secret_form_is_in_word(text, begin) ||
		    is_in_signed_url(text, begin)) {
			continue;
		}
		if (prefix->characters != SECRET_CAPITALS ||
		    ((size_t)(at - begin) == len + prefix->least &&
		     (at == end || !secret_char_is_letter(*at)))) {
			return true;
		}
	}
	return false;
}

/* --- members ---------------------------------------------------------------------- */

static bool is_placeholder(struct secret_text value)
{
	size_t len = (size_t)(value.end - value.at);
	size_t stars = 0;

	while (stars < len && value.at[stars] == '*') {
		stars++;
	}
	return stars == len || (value.at[0] == '[' && value.end[-1] == ']') ||
	       (value.at[0] == '<' && value.end[-1] == '>') ||
	       /* as canonical text writes < and > */
	       (len >= 12 && memcmp(value.at, "\\u003c", 6) == 0 &&
		memcmp(value.end - 6, "\\u003e", 6) == 0);
}

const struct secret_rule *secret_rule_of_member(struct secret_text name,
						struct secret_text value)
{
	char plain[NAME_MAX_BYTES + 1];
	size_t len = 0;

	if (is_placeholder(value)) { /* also an empty one */
		return NULL;
	}
	for (const char *at = name.at; at < name.end; at++) {
		if (memchr("_- ", *at, 3)) {
			continue;
		}
		if (len == NAME_MAX_BYTES) {
			return NULL;
		}
		plain[len++] = secret_char_is_letter(*at) ? (char)(*at | 0x20) : *at;
	}
	plain[len] = '\0';
	for (const struct secret_rule *rule = secret_rule_table; rule->name; rule++) {
		for (size_t i = 0; rule->member && rule->member[i]; i++) {
			if (strcmp(plain, rule->member[i]) == 0) {
				return rule;
			}
		}
	}
	return NULL;
}

/* Members of embedded JSON: `"name": "value"`, also where a name is longer than its end. */
static const struct secret_rule *find_member(struct secret_text text)
{
	const char *quote = text.at, *end = text.end;

	while ((quote = memchr(quote, '"', (size_t)(end - quote)))) {
		const char *name = ++quote, *colon, *value, *stop;
		const struct secret_rule *rule;

		while (quote < end && quote - name <= NAME_MAX_BYTES + 8 &&
		       *quote != '"') {
			quote++;
		}
		if (quote == end || *quote != '"') {
			quote = name;
			continue;
		}
		colon = secret_char_skip(quote + 1, end, " \t\r\n+");
		if (colon == end || *colon != ':') {
			continue; /* this quote may begin a name */
		}
		value = secret_char_skip(colon + 1, end, " \t\r\n+");
		if (value == end || *value != '"') {
			continue;
		}
		value++;
		stop = memchr(value, '"', (size_t)(end - value));
		rule = secret_rule_of_member(
			(struct secret_text){name, quote},
			(struct secret_text){value, stop ? stop : end});
		if (rule) {
			return rule;
		}
	}
	return NULL;
}

/* --- the rules -------------------------------------------------------------------- */

const struct secret_rule *secret_rule_find(struct secret_text text)
{
	for (const struct secret_rule *rule = secret_rule_table; rule->name; rule++) {
		if (rule->has && rule->has(text)) {
			return rule;
		}
		for (const struct secret_prefix *prefix = rule->prefix;
		     prefix && prefix->prefix; prefix++) {
			if (has_prefixed(text, prefix)) {
				return rule;
			}
		}
	}
	return find_member(text);
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
#define PREFIXES(...) ((const struct secret_prefix[]){__VA_ARGS__, {0}})

/* RFC 7519, section 3.1; all other secrets are made up, and none stands here in one piece. */
#define JWT_HEADER "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
#define JWT_PAYLOAD "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODB9"
#define JWT JWT_HEADER "." JWT_PAYLOAD ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
/* Pretty-printed, with line ends of two kinds and with tabs. */
#define JWT_PRETTY "ewogICJhbGciOiAiSFMyNTYiCn0.ewogICJzdWIiOiAiYSIKfQ.c2ln"
#define JWT_CRLF "ew0KICAiYWxnIjogIkhTMjU2Ig0KfQ.ew0KICAic3ViIjogImEiDQp9.c2ln"
#define JWT_TABS "ewkiYWxnIjoJIkhTMjU2Igl9.ewkiYSI6MX0.c2ln"
#define HEX_32 "7f9c2ba4e88f827d616045507605853e"
#define ALNUM_36 "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"

/* The literals of several parts are meant. NOLINTBEGIN(bugprone-suspicious-missing-comma) */
const struct secret_rule secret_rule_table[] = {
	{
		.name = "a JSON Web Token",
		.has = secret_form_token,
		.matches = LIST(
			JWT, "see " JWT ".", "token_" JWT, JWT_PRETTY, JWT_CRLF, JWT_TABS,
			/* behind text with many places that look like a header */
			"they-obey-hockey-monkey-" JWT, "eyeyeyeyeyeyey" JWT_PRETTY,
			"eyJeyJeyJeyJeyJeyJ" JWT,
			"https://example.org/a?token=" JWT "&b=1",
			"https%3A%2F%2Fexample.org%2F%3Ftoken%3D" JWT "%26b",
			JWT_HEADER "%2E" JWT_PAYLOAD "%2Edsad", "{\"jwt\":\"" JWT "\"}",
			"{\"a\":\"{\\\"jwt\\\":\\\"" JWT "\\\"}\"}",
			/* not signed; encrypted */
			"eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.",
			"eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..aXY.Y2lwaGVy.dGFn",
			/* a header behind white space */
			"eyAiYWxnIjogIkhTMjU2IiB9." JWT_PAYLOAD ".c2ln",
			/* a letter that embedded JSON escapes, and one that a URL does */
			"{\"jwt\":\"\\u0065yJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
			"." JWT_PAYLOAD ".c2ln\"}",
			"%65wogICJhbGciOiAiSFMyNTYiCn0.ewogICJzdWIiOiAiYSIKfQ.c2ln"),
		.passes = LIST("eyJ", JWT_HEADER, JWT_HEADER "." JWT_PAYLOAD,
			       /* {"a":1} is no header; ["alg"] is no object */
			       "eyJhIjoxfQ.eyJhIjoxfQ.c2ln", "WyJhbGciXQ.eyJhIjoxfQ.c2ln",
			       "ewogICJhIjogMQp9.ewogICJhIjogMQp9.c2ln",
			       "www.example.com.au", "monkeyJungle.one.two", "1.2.3",
			       "a.network.of.framework"),
	},
	{
		.name = "a private key",
		.has = secret_form_private_key,
		.matches = LIST("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE "
				"KEY-----\n",
				"x -----BEGIN RSA PRIVATE KEY-----",
				"-----BEGIN EC PRIVATE KEY-----\\nMHc",
				"-----BEGIN DSA PRIVATE KEY-----",
				"-----BEGIN OPENSSH PRIVATE KEY-----\r\n",
				"-----BEGIN ENCRYPTED PRIVATE KEY-----",
				"-----BEGIN PGP PRIVATE KEY BLOCK-----",
				"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----",
				"key=-----BEGIN%20RSA%20PRIVATE%20KEY-----%0AMIIE",
				"key=-----BEGIN+RSA+PRIVATE+KEY-----",
				"{\"key\":\"-----BEGIN PRIVATE KEY-----\\nMIIE\"}"),
		.passes = LIST("-----BEGIN PUBLIC KEY-----\nMIIB",
			       "-----BEGIN CERTIFICATE-----\nMIIB",
			       "-----BEGIN PGP PUBLIC KEY BLOCK-----",
			       "-----END PRIVATE KEY-----", "PRIVATE KEY",
			       "-----BEGIN the PRIVATE tour-----"),
	},
	{
		.name = "a PuTTY key",
		.has = secret_form_putty_key,
		.matches = LIST("PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none",
				"PuTTY-User-Key-File-3: ssh-ed25519\r\n",
				"k=PuTTY-User-Key-File-3%3A+ssh-ed25519"),
		.passes =
			LIST("PuTTY", "PuTTY-User-Key-File-", "a PuTTY-User-Key-File-3"),
	},
	{
		.name = "an AWS key",
		.prefix = PREFIXES({"AKIA", 16, SECRET_CAPITALS},
				   {"ASIA", 16, SECRET_CAPITALS}),
		.member =
			LIST("awssecretaccesskey", "secretaccesskey", "awssessiontoken"),
		.matches = LIST("AKIA"
				"IOSFODNN7EXAMPLE",
				"id=ASIA"
				"Y34FZKBOKMUTVV7A;",
				"AWS_ACCESS_KEY_ID=AKIA"
				"IOSFODNN7EXAMPLE\n",
				"{\"aws_secret_access_key\":\"wJalrXUtnFEMIK7MDENG\"}",
				"{\"SecretAccessKey\":\"wJalrXUtnFEMIK7MDENG\"}"),
		/* In signed URLs the id is no secret. */
		.passes = LIST("AKIA", "AKIA, ASIA",
			       "https://s3.amazonaws.com/"
			       "a?X-Amz-Credential=AKIA%2F2&X-Amz-Signature=fe5f",
			       "https://b.s3.amazonaws.com/a.jpg?X-Amz-Credential=AKIA"
			       "IOSFODNN7EXAMPLE%2F20240101%2Fus-east-1%2Fs3%2F"
			       "aws4_request&X-Amz-Signature=fe5f80",
			       "https://b.s3.amazonaws.com/a.jpg?AWSAccessKeyId=AKIA"
			       "IOSFODNN7EXAMPLE&Expires=1&Signature=v",
			       "SLOVAKIA"
			       "ANDHUNGARYTOGETHER",
			       "ASIA"
			       "NCUISINEANDCULTURETODAY"),
	},
	{
		.name = "a GitHub token",
		.prefix = PREFIXES({"ghp_", 36, SECRET_ALNUM}, {"gho_", 36, SECRET_ALNUM},
				   {"ghu_", 36, SECRET_ALNUM}, {"ghs_", 36, SECRET_ALNUM},
				   {"ghr_", 36, SECRET_ALNUM},
				   {"github_pat_", 40, SECRET_WORD}),
		.matches = LIST("ghp_" ALNUM_36, "x=gho_" ALNUM_36 ";", "ghs_" ALNUM_36,
				"https://example.org/?t=ghu_" ALNUM_36, "ghr_" ALNUM_36,
				"github_pat_" ALNUM_36 "_" ALNUM_36),
		.passes = LIST("ghp_", "ghp_0001", "night_of_ghosts", "highs_and_lows",
			       "github_pat_", "thoughp_" ALNUM_36),
	},
	{
		.name = "a GitLab token",
		.prefix =
			PREFIXES({"glpat-", 20, SECRET_WORD}, {"gldt-", 20, SECRET_WORD},
				 {"glrt-", 20, SECRET_WORD}, {"glcbt-", 20, SECRET_WORD},
				 {"glptt-", 20, SECRET_WORD}, {"glft-", 20, SECRET_WORD},
				 {"glsoat-", 20, SECRET_WORD}),
		.matches = LIST("glpat-"
				"a1B2c3D4e5F6g7H8i9J0",
				"PRIVATE-TOKEN: glpat-"
				"a1B2_3D4e5F6g7H8-9J0",
				"gldt-"
				"a1B2c3D4e5F6g7H8i9J0"),
		.passes = LIST("glpat-", "glpat-1", "single-angle", "eagle-glft-"),
	},
	{
		.name = "a Slack token",
		.has = secret_form_slack_hook,
		.prefix = PREFIXES({"xoxb-", 10, SECRET_WORD}, {"xoxp-", 10, SECRET_WORD},
				   {"xoxa-", 10, SECRET_WORD}, {"xoxr-", 10, SECRET_WORD},
				   {"xoxs-", 10, SECRET_WORD}, {"xoxe-", 10, SECRET_WORD},
				   {"xoxe.xoxp-", 10, SECRET_WORD},
				   {"xapp-", 10, SECRET_WORD}),
		.matches = LIST("xoxb-"
				"123456789012-abcdef",
				"xoxe.xoxp-"
				"1-Mi0yLTk4",
				"xapp-"
				"1-A0123456789",
				"https://hooks.slack.com/services/T"
				"0123456789/B0123456789/x"),
		.passes = LIST("xoxo", "xoxb-", "xapp-1", "https://slack.com/services",
			       "https://hooks.slack.com/services/T"),
	},
	{
		.name = "a Google key",
		.prefix =
			PREFIXES({"AIza", 35, SECRET_WORD}, {"GOCSPX-", 24, SECRET_WORD}),
		.matches = LIST("AIza"
				"SyA1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q",
				"https://maps.example/js?key=AIza"
				"SyA1B2c3D4e5F6g7H8-9J0_1L2m3N4o5P6q&v=3",
				"GOCSPX-"
				"a1B2c3D4e5F6g7H8i9J0k1L2"),
		.passes = LIST("AIza", "AIzawa", "GOCSPX-", "MAIzeFieldsInTheSouthOf"),
	},
	{
		.name = "a Stripe key",
		.prefix = PREFIXES(
			{"sk_live_", 16, SECRET_ALNUM}, {"rk_live_", 16, SECRET_ALNUM},
			{"sk_test_", 16, SECRET_ALNUM}, {"rk_test_", 16, SECRET_ALNUM},
			{"whsec_", 24, SECRET_ALNUM}),
		.matches = LIST("sk_"
				"live_4eC39HqLyjWDarjtT1zdp7dc",
				"key: rk_"
				"live_4eC39HqLyjWDarjtT1zdp7dc",
				"sk_"
				"test_4eC39HqLyjWDarjtT1zdp7dc",
				"whsec_"
				"a1B2c3D4e5F6g7H8i9J0k1L2"),
		/* pk_: a publishable key */
		.passes = LIST("sk_live_", "disk_live_session_recording",
			       "pk_"
			       "live_4eC39HqLyjWDarjtT1zdp7dc",
			       "desk_test_1", "whsec_1"),
	},
	{
		.name = "a URL with a password",
		.has = secret_form_url,
		.matches = LIST("https://user:hunter2@example.org/a.jpg",
				"see ftp://u:p@10.0.0.1/",
				"postgres://app:s3cr%21t@db:5432/x", "https://u:p@[::1]/",
				"https%3A%2F%2Fuser%3Ahunter2%40example.org%2F",
				"{\"u\":\"https:\\/\\/user:p@example.org\"}",
				"https://x-access-token:abc@github.com/a/b.git"),
		.passes = LIST("https://user@example.org/", "https://example.org/@a:b",
			       "https://example.org:8080/a@b", "a:b@c", "mailto:a@b.org",
			       "https://example.org/?a=b:c@d", "https://u:@example.org",
			       "https://user:***@example.org/", "ratio 3://4:5 @ noon",
			       "https://medium.com/@name"),
	},
	{
		.name = "an Authorization value",
		.has = secret_form_authorization,
		.member = LIST("authorization", "proxyauthorization"),
		.matches = LIST(
			"Authorization: Bearer abc",
			"authorization: basic YQ==", "Authorization: Token token=\"abc\"",
			"AUTHORIZATION:Digest username=x",
			"curl -H 'Authorization: Bearer 3f2a' https://example.org",
			"Proxy-Authorization: Basic dXNlcjpwYXNz",
			"Authorization: 3f2a9c0011aabbcc",
			"Authorization: Bearer 3f2c1b2a-1b2c-4d5e-8f90-a1b2c3d4e5f6",
			"{\"Authorization\":\"secret\"}",
			"{\"headers\":\"{\\\"authorization\\\" : \\\"x\\\"}\"}",
			"\"Authorization\"=>\"Token abc\"",
			"https://example.org/?authorization=Bearer%20abc",
			"https://example.org/?authorization=Bearer+abc",
			"https://example.org/?h=%7B%22authorization%22%3A%22abc%22%7D",
			/* Token */
			"Token token=\"abc\", email=\"x\"", "token token=abc",
			"Token token='abc'", "Token  token = abc", "Token: token=abc",
			"TOKEN TOKEN=abc", "Token%20token%3D%22abc%22",
			"Token 9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b",
			/* Bearer */
			"Bearer 7f9c2ba4e88f827d", "bearer 7f9c2ba4e88f827d",
			"Bearer\t7f9c2ba4e88f827d", "line\nBearer 7f9c2ba4e88f827d",
			"Bearer: 7f9c2ba4e88f827d", "bearer=7f9c2ba4e88f827d",
			"Bearer \"7f9c2ba4e88f827d\"", "Bearer '7f9c2ba4e88f827d'",
			"sent with Bearer " HEX_32, "Bearer aBcDeFgHiJkLmNoPqRsT",
			"Bearer 3f2c1b2a-1b2c-4d5e-8f90-a1b2c3d4e5f6",
			/* Basic */
			"Basic dXNlcjpwYXNz", "with Basic dXNlcjpwYXNzd29yZA==, then",
			"Basic%20dXNlcjpwYXNz",
			/* "user:" and forty letters of two bytes each, cut within one */
			"Basic "
			"dXNlcjrDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6"
			"nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqQ=="),
		.passes = LIST(
			"", "Authorization", "authorization: see the manual",
			"{\"authorization\":\"\"}", "{\"authorization\":\"[FILTERED]\"}",
			"Authorization: ", "Authorization: Basic repairs allowed",
			"Authorization: Bearer of good news",
			"Flight authorization: UAS-2024-000123-EU", "Bearer DSC_0001.jpg",
			"Bearer IMG_20190304_120000.jpg", "Bearer of good news",
			"Bearer bonds", "Bearer: the story", "Standard bearer 1914",
			"Pall bearers", "forebearer 7f9c2ba4e88f827d",
			"The bearer IMG.jpg", "Bearer GreatBarrierReefAustralia",
			"Token 3f2c1b2a-1b2c-4d5e-8f90-a1b2c3d4e5f6", "Token token=\"\"",
			"A token of love", "Token ring 1985",
			"Token 12345678901234567890", "Basic training",
			"Basic needs, 2019", "basic Instinct",
			"https://res.cloudinary.com/sadaasdasd/image/authenticated/"
			"s--ft761Nni--/fl_attachment/v123123/9167bafd0a92.jpg",
			"https://sharinpix-proxy-dev.herokuapp.com/super-image.png?s="
			"3de109a&url=localhost/images/"
			"885999a5-58a5-406a-bc8e-2ac5420d60a3/thumbnails/"
			"mini-dc90dc1e2ae.jpg",
			"https://f000.example.com/file/"
			"a.jpg?Authorization=3_20160803004041_534"),
	},
	{
		.name = "a password or key",
		.member = LIST("password", "passwd", "secret", "clientsecret",
			       "secretkey", "apikey", "xapikey", "apisecret",
			       "privatekey", "accesstoken", "refreshtoken", "authtoken"),
		.matches = LIST("{\"password\":\"hunter2\"}", "{\"PASSWD\":\"x\"}",
				"{\"secret\":\"x\"}", "{\"Client-Secret\":\"x\"}",
				"{\"secretKey\":\"x\"}", "{\"api_key\":\"x\"}",
				"{\"apiKey\":\"x\"}", "{\"API_KEY\":\"x\"}",
				"{\"X-Api-Key\":\"x\"}", "{\"api_secret\":\"x\"}",
				"{\"private_key\":\"x\"}", "{\"accessToken\":\"x\"}",
				"{\"refresh_token\":\"x\"}", "{\"auth-token\":\"x\"}",
				"{\"SECRET\":\"x\"}", "{\"PASSWORD\":\"x\"}",
				"{\"a\":\"{\\\"password\\\" : \\\"x\\\"}\"}",
				"?h=%7B%22password%22%3A%22abc%22%7D"),
		.passes = LIST("Password: swordfish", "secret garden", "The Secret, 2006",
			       "{\"password\":\"\"}", "{\"password\":\"***\"}",
			       "{\"password\":\"[FILTERED]\"}",
			       "{\"password\":\"<redacted>\"}", "{\"secret\":true}",
			       "{\"password\":null}", "{\"api_key\":{\"a\":\"x\"}}",
			       "{\"secretary\":\"Ms Jones\"}",
			       "{\"title\":\"password\",\"b\":\"x\"}", "{\"key\":\"x\"}",
			       "{\"keyword\":\"x\"}"),
	},
	{0},
};
/* NOLINTEND(bugprone-suspicious-missing-comma) */
