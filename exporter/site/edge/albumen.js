/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What nginx cannot say in its own language: which file of a site answers a
 * request (CONTRACT.md, sections 4 and 5), and the joining of several.
 *
 * Everything is read from the URL as the client sent it ($request_uri). nginx's
 * own path is decoded and tidied, so the album `a/b` (a%2Fb) would be two folders
 * in it, and `..` would be none. Here a segment is one id, whatever it holds, and
 * becomes one file name that has neither slash nor dot.
 *
 * njs 0.7.9 (Debian 12): no modules, no iterators over strings, no fs.openSync.
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
];
/* Of these, the one that may have ids in its query. */
const JOINED = 'api/v1/tag_images';

/* The characters that encodeURIComponent leaves and a file name does not. */
const LEFT = /[.!~*'()]/;
const LEFT_ALL = [['.', '%2E'], ['!', '%21'], ['~', '%7E'], ['*', '%2A'], ['\'', '%27'],
	['(', '%28'], [')', '%29']];

/*
 * The file name of an id that stands percent-encoded in a URL, or null where no
 * id has such a name (it is no UTF-8, or too long). A URL of 300 KB may be full of
 * escapes, so the work is left to what njs has built in: a callback for each
 * escape would hold up every other client for the better part of a second.
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

/* The URL as the client sent it, as its path and its query or null. Bytes that are
 * no UTF-8 become U+FFFD, which fileName knows. */
function split(r) {
	const raw = r.rawVariables.request_uri;
	const url = raw ? raw.toString().split('#', 1)[0] : '';
	const mark = url.indexOf('?');

	return mark < 0 ? { path: url, query: null }
		: { path: url.slice(0, mark), query: url.slice(mark + 1) };
}

/* The names asked for with image_ids[]=ID, in their order, repeated or not, null
 * for what is no id; or null where that is too much. In a query a `+` is a space. */
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
 * The inner location that answers a request (nginx.conf.in says why they begin
 * with two slashes). What is left of it after one slash is the site file.
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

/* What stands between the brackets of one response, or null: an image that is not
 * known has none, and one without tag images has nothing in it. */
function elements(path) {
	const stat = fs.lstatSync(path, { throwIfNoEntry: false });
	let body;

	if (!stat || !stat.isFile()) {
		return null;
	}
	try {
		body = fs.readFileSync(path);
	} catch (e) {
		/* It went between the two calls: that image has just been removed. */
		if (e.code === 'ENOENT') {
			return null;
		}
		throw e;
	}
	return body.length > 2 ? body.subarray(1, body.length - 1) : null;
}

/* Tag images of several images: their arrays joined in the order asked, each once. */
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
