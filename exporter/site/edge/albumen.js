/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an nginx configuration cannot express: which file of a site answers a request
 * (albumen(7), "Responses" and "Paths"), and how the files of several images are joined.
 *
 * Requests are read from the URL as the client sent it ($request_uri). nginx's own path is
 * decoded and normalised: the album `a/b` (a%2Fb) would be two folders in it, and the album
 * `..` would vanish. Here one segment is one id, whatever it contains, and becomes one file
 * name without a slash or a dot.
 *
 * njs 0.7.9 (Debian 12) has no modules, no iterators over strings, and no fs.openSync.
 */
import fs from 'fs';

const IDS_MAX = 500;
const PARAMETERS_MAX = 1000;
const NAME_MAX = 240; /* bytes of a file name (data/format/record.h) */

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

/* The URL as the client sent it: its path, and its query or null. Bytes that are not UTF-8
 * become U+FFFD, which fileName rejects. */
function split(r) {
	const raw = r.rawVariables.request_uri;
	const url = raw ? raw.toString().split('#', 1)[0] : '';
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

/*
 * The internal location that answers a request; without its first slash it is the path of
 * the file in the site. nginx.conf.in explains why it begins with two slashes.
 */
function route(r) {
	const url = split(r);
	const path = find(url.path);
	let names;

	if (path === null) {
		return '//error/404';
	}
	names = path === JOINED ? imageNames(url.query) : [];
	if (names === null) {
		return '//error/ids';
	}
	if (names.length > 1) {
		return '//' + JOINED;
	}
	if (names.length === 1) {
		return '//' + JOINED + '/' + (names[0] ? names[0] + '.json' : '');
	}
	return '//' + path + '.json';
}

/* What is between the brackets of one response; null if the image is unknown or has no tag
 * images. */
function elements(path) {
	const stat = fs.lstatSync(path, { throwIfNoEntry: false });
	let body;

	if (!stat || !stat.isFile()) {
		return null;
	}
	try {
		body = fs.readFileSync(path);
	} catch (e) {
		/* The image was removed between the two calls. */
		if (e.code === 'ENOENT') {
			return null;
		}
		throw e;
	}
	return body.length > 2 ? body.subarray(1, body.length - 1) : null;
}

/* Answers with the tag images of several images: their arrays joined in the order of the
 * request, each once. */
function join(r) {
	const root = r.variables.document_root + '/' + JOINED + '/';
	const comma = Buffer.from(',');
	const parts = [Buffer.from('[')];
	const seen = {};

	imageNames(split(r).query).forEach((name) => {
		const key = 'n' + name;
		const inner = !name || seen[key] ? null : elements(root + name + '.json');

		seen[key] = true;
		if (inner) {
			if (parts.length > 1) {
				parts.push(comma);
			}
			parts.push(inner);
		}
	});
	parts.push(Buffer.from(']'));
	r.return(200, Buffer.concat(parts));
}

export default { route, join };
