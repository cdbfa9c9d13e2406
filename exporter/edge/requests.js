/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a request means, whoever answers it: which file of a site it names (albumen(7),
 * "Responses" and "Paths"), and what its health.json says. albumen.js and worker.js.in import
 * it; it does no input or output.
 *
 * It is written so that njs 0.7.9 (Debian 12) runs it, which has no iterators over strings.
 */

const IDS_MAX = 500;
const PARAMETERS_MAX = 1000;
const NAME_MAX = 240; /* bytes of a file name (data/format/record.h) */

/* The most bytes of a joined answer, and those from which it counts as large. */
const JOIN_MAX = 64 << 20;
const LARGE = 4 << 20;

const HEALTH_MAX = 4096; /* bytes of health.json, which has some 120 */

/* Of a response over 256 MiB a site has only an empty file, with this suffix. */
const OVERSIZE = '.oversize';

/* The requests of the table in exporter/snapshot/response.c; `*` is an id. A site's file has
 * the same path, and `.json` behind it. (tests/e2e/edge.t compares the two tables.) */
const REQUESTS = [
	'api/v1/tag_images',
	'api/v1/albums/*/images/untag',
	'api/v1/albums/*/images',
	'api/v1/tags',
	'api/v1/tags/*/tag_images',
];
/* Of these, the one that may have ids in its query. */
const JOINED = 'api/v1/tag_images';

/* A query of nothing but ids that are file names as they are. */
const PLAIN = /^(?:(?:^|(?!^)&)image_ids(?:\[|%5[Bb])(?:\]|%5[Dd])=[A-Za-z0-9_-]{1,240})+$/;
/* Characters that encodeURIComponent does not encode, but file names do. */
const LEFT = /[.!~*'()]/;
const LEFT_ALL = [['.', '%2E'], ['!', '%21'], ['~', '%7E'], ['*', '%2A'], ['\'', '%27'],
	['(', '%28'], [')', '%29']];

/*
 * The file name of an id that is percent-encoded in a URL; null if it cannot be an id (not
 * UTF-8, or too long). A URL of 300 KB may be full of escapes, so functions of njs do the
 * work: a callback for each escape would block all other clients for most of a second.
 */
function fileName(encoded) {
	let name;

	if (encoded.length > 3 * NAME_MAX || encoded.indexOf('\ufffd') >= 0) {
		return null;
	}
	try {
		name = encodeURIComponent(decodeURIComponent(encoded));
	} catch (e) {
		return null;
	}
	if (LEFT.test(name)) {
		LEFT_ALL.forEach((pair) => {
			name = name.split(pair[0]).join(pair[1]);
		});
	}
	return name.length > 0 && name.length <= NAME_MAX ? name : null;
}

/* The parts of a URL as the client sent it, from its path on: the path, and the query or
 * null. Bytes that are not UTF-8 have become U+FFFD, which fileName rejects. */
function split(sent) {
	const url = sent.split('#', 1)[0];
	const mark = url.indexOf('?');

	return mark < 0 ? { path: url, query: null }
		: { path: url.slice(0, mark), query: url.slice(mark + 1) };
}

/* The file names of the parameters image_ids[]=ID, in their order, with repetitions, and
 * null for a value that cannot be an id. Null if there are too many. In a query `+` means a
 * space. */
function imageNames(query) {
	const pairs = query === null ? [] : query.split('&', PARAMETERS_MAX + 1);
	const names = [];

	if (pairs.length > PARAMETERS_MAX) {
		return null;
	}
	/* To look at a long text once takes a tenth of looking at each part of it. */
	if (query !== null && PLAIN.test(query)) {
		return pairs.length > IDS_MAX ? null
			: pairs.map((pair) => pair.slice(pair.indexOf('=') + 1));
	}
	pairs.forEach((pair) => {
		const equals = pair.indexOf('=');
		const key = equals < 0 ? pair : pair.slice(0, equals);
		const value = equals < 0 ? '' : pair.slice(equals + 1);

		if (/^image_ids(?:\[|%5B)(?:\]|%5D)$/i.test(key)) {
			names.push(fileName(value.split('+').join('%20')));
		}
	});
	return names.length > IDS_MAX ? null : names;
}

/* What answers the path as a client sent it: a path of REQUESTS with names in place of `*`;
 * or null. */
function find(path) {
	const parts = path.slice(1).replace(/\.json$/, '').split('/');
	let found = null;

	REQUESTS.forEach((request) => {
		const pattern = request.split('/');
		const names = pattern.map((part, i) =>
			part !== '*' ? (part === parts[i] ? part : null)
				: parts[i] === undefined ? null : fileName(parts[i]));

		if (pattern.length === parts.length && names.indexOf(null) < 0) {
			found = names.join('/');
		}
	});
	return path[0] === '/' ? found : null;
}

/* What is wrong with the text of a health.json, whose members go into `answer`; or null. The
 * text is null if there is no such file, undefined if it is none of ours, '' if it cannot be
 * read. */
function unhealthy(answer, text, now_ms, max_age_s) {
	const strange = 'health.json is not as albumen-exporter follow writes it';
	let age;

	if (text === null) {
		return 'there is no health.json, which albumen-exporter follow writes';
	}
	if (text === undefined) {
		return strange;
	}
	try {
		const health = JSON.parse(text);

		age = (now_ms - Date.parse(health.checked)) / 1000;
		if (isNaN(age) || typeof health.sequence !== 'number' ||
			typeof health.commit !== 'string') {
			return strange;
		}
		answer.sequence = health.sequence;
		answer.commit = health.commit;
		answer.checked = health.checked;
	} catch (e) {
		return 'health.json cannot be read';
	}
	/* With a clock that was set back, a follow that has ended must not look alive. */
	return age >= max_age_s ? 'the last check was ' + Math.floor(age) + ' s ago, not less than ' + max_age_s
		: age <= -max_age_s ? 'the last check was in the future: compare the clocks' : null;
}

/* The answer to GET /healthz; `text` as above. */
function health(text, now_ms, max_age_s) {
	const answer = {
		version: 1,
		healthy: false,
		sequence: null,
		commit: null,
		checked: null,
		error: null,
	};

	answer.error = unhealthy(answer, text, now_ms, max_age_s);
	answer.healthy = answer.error === null;
	return answer;
}

export default { JOIN_MAX, LARGE, HEALTH_MAX, OVERSIZE, JOINED, split, imageNames, find, health };
