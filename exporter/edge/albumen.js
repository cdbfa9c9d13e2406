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
 * njs 0.7.9 (Debian 12) has no modules and no iterators over strings. It frees the memory of
 * a request when the request ends, and none before. Async functions crash it. r.send takes
 * strings only, and a Buffer that is made a string must be UTF-8.
 */
import fs from 'fs';

const IDS_MAX = 500;
const PARAMETERS_MAX = 1000;
const NAME_MAX = 240; /* bytes of a file name (data/format/record.h) */

/* A joined answer is in memory until the client has all of it; nginx.server.in bounds how many
 * of them there are at once, and those of more than LARGE bytes more strictly. */
const JOIN_MAX = 64 << 20;
const LARGE = 4 << 20;
/* So much is read or sent at a time, and then other clients are served. */
const PIECE = 512 << 10;
/* nginx runs a timer of 0 ms before it looks for other requests. */
const PAUSE_MS = 1;

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

/* What lies at `path`: not what a link points to; null if nothing does. (An exception takes
 * longer than all else that a request does.) */
function stat(path) {
	try {
		return fs.lstatSync(path, { throwIfNoEntry: false }) || null;
	} catch (e) {
		if (e.code === 'ENOTDIR') {
			return null;
		}
		throw e;
	}
}

/* The size of the response whose file is `path` + `.json`; OVERSIZE if it was left out; null
 * if the site has no such response. */
function look(path) {
	const file = stat(path + '.json');

	return file && file.isFile() ? file.size
		: stat(path + OVERSIZE) ? OVERSIZE : null;
}

/* Whether the site lacks its last file: it is not mounted, or was never published to its end.
 * Then a response that is not there may be one that should be: `[]` would be false. */
function away(r) {
	return !stat(r.variables.document_root + '/snapshot.json');
}

/* The files that `join` joins: `path` and `size` of each, and the length of the answer. `route`
 * leaves it here: for one request, nginx runs both functions in one VM of its own, until
 * that is redirected. */
let plan = null;

/* The location that joins the responses of the images that a query names: their arrays in
 * the order of the request, each once. */
function joining(r, names) {
	const folder = r.variables.document_root + '/' + JOINED + '/';
	const seen = {};
	const files = [];
	let oversize = false;
	let unknown = false;
	let length = 1;

	names.forEach((name) => {
		const key = 'n' + name;
		const size = !name || seen[key] ? null : look(folder + name);

		seen[key] = true;
		if (size === OVERSIZE) {
			oversize = true;
		} else if (size === null) {
			unknown = true;
		} else if (size > 2) {
			files.push({ path: folder + name + '.json', size });
			length += size - 1;
		}
	});
	plan = { files, length: files.length > 0 ? length : 2 };
	return oversize ? '//error/oversize'
		: unknown && away(r) ? '//error/away'
			: length > JOIN_MAX ? '//error/join'
				: '//' + JOINED + (length > LARGE ? '/large' : '');
}

/*
 * The internal location that answers a request; without its first slash it is the path of
 * the file in the site. nginx.server.in explains why it begins with two slashes.
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
		return joining(r, names);
	}
	if (names.length === 1) {
		return '//' + JOINED + '/' + (names[0] ? names[0] + '.json' : '');
	}
	return '//' + path + '.json';
}

/* The location that answers in place of a file that the site does not have, or that nginx
 * cannot open. */
function missing(r) {
	const path = r.variables.document_root + r.uri.replace(/\.json$/, '');

	try {
		const size = look(path);

		if (size === OVERSIZE) {
			return '//error/oversize';
		}
		if (size !== null) {
			/* It has come meanwhile. Or nginx may not read it: that throws. Or a folder on
			 * the way is a link, which nginx does not follow. */
			fs.closeSync(fs.openSync(path + '.json'));
			return fs.realpathSync(path + '.json') ===
				fs.realpathSync(r.variables.document_root) + r.uri.slice(1)
				? r.uri : '//error/404';
		}
		return away(r) ? '//error/away'
			: r.uri.startsWith('//' + JOINED + '/') ? '//' + JOINED + '/'
				: '//error/404';
	} catch (e) {
		/* Without a location, nginx would redirect the client. */
		return '//error/500';
	}
}

/*
 * Answers with the tag images of several images: all but the last bracket of each file, with
 * a comma for the first one of all files but the first. Everything is read before anything is
 * sent: then no error can come after the status.
 *
 * Nothing ends the request while setTimeout waits, so that no file stays open: nginx notices
 * that a client has gone when it writes.
 */
function join(r) {
	const location = plan ? r.uri : joining(r, imageNames(split(r).query));
	const files = plan.files;
	const body = location === r.uri ? Buffer.allocUnsafe(plan.length) : null;
	let length = 0;
	let fd = null;
	let at = 0;

	/* Reads so much that other clients do not wait long. False if a file was replaced or
	 * removed since `joining` looked. */
	function read() {
		const stop = length + PIECE;

		while (length < stop && files.length > 0) {
			const end = files[0].size - 1;
			let got;

			if (fd === null) {
				fd = fs.openSync(files[0].path);
				at = 0;
				if (fs.fstatSync(fd).size !== files[0].size) {
					return false;
				}
			}
			got = fs.readSync(fd, body, length, Math.min(stop - length, end - at), at);
			if (got === 0) {
				return false;
			}
			if (at === 0 && length > 0) {
				body[length] = 0x2c;
			}
			at += got;
			length += got;
			if (at === end) {
				fs.closeSync(fd);
				fd = null;
				files.shift();
			}
		}
		return true;
	}
	function step() {
		let to = null;

		try {
			to = read() ? null : r.uri;
		} catch (e) {
			/* Thrown after setTimeout, it would close the connection without an answer. */
			to = e.code === 'ENOENT' ? r.uri : '//error/500';
		}
		if (to === null && files.length > 0) {
			setTimeout(step, PAUSE_MS);
			return;
		}
		if (fd !== null) {
			fs.closeSync(fd);
		}
		if (to !== null) {
			/* nginx answers 500 to the tenth redirect of a request. */
			r.internalRedirect(to);
			return;
		}
		if (length === 0) {
			body.write('[');
		}
		body.write(']', plan.length - 1);
		r.return(200, body);
	}

	if (body === null) {
		r.internalRedirect(location);
	} else {
		step();
	}
}

/* What is wrong with the site's health.json, whose members go into `answer`; or null. */
function unhealthy(r, answer) {
	const path = r.variables.document_root + '/health.json';
	const most = Number(r.variables.albumen_max_age);
	const file = stat(path);
	const strange = 'health.json is not as albumen-exporter follow writes it';
	let age;

	if (!file) {
		return 'there is no health.json, which albumen-exporter follow writes';
	}
	if (!file.isFile() || file.size > HEALTH_MAX) {
		return strange;
	}
	try {
		const health = JSON.parse(fs.readFileSync(path).toString());

		age = (Date.now() - Date.parse(health.checked)) / 1000;
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
	return age >= most ? 'the last check was ' + Math.floor(age) + ' s ago, not less than ' + most
		: age <= -most ? 'the last check was in the future: compare the clocks' : null;
}

/* GET /healthz. */
function health(r) {
	const answer = {
		version: 1,
		healthy: false,
		sequence: null,
		commit: null,
		checked: null,
		error: null,
	};

	answer.error = unhealthy(r, answer);
	answer.healthy = answer.error === null;
	r.headersOut['Content-Type'] = 'application/json; charset=utf-8';
	r.return(answer.healthy ? 200 : 503, JSON.stringify(answer));
}

export default { route, missing, join, health };
