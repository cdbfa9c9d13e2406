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
 * njs 0.7.9 (Debian 12) finds an imported file beside the one that imports it. It frees the
 * memory of a request when the request ends, and none before. Async functions crash it. r.send
 * takes strings only, and a Buffer that is made a string must be UTF-8.
 */
import fs from 'fs';
import requests from 'requests.js';

/* A joined answer is in memory until the client has all of it; nginx.server.in bounds how many
 * of them there are at once, and those of more than requests.LARGE bytes more strictly. So
 * much is read or sent at a time, and then other clients are served. */
const PIECE = 512 << 10;
/* nginx runs a timer of 0 ms before it looks for other requests. */
const PAUSE_MS = 1;

/* The URL as the client sent it. */
function sent(r) {
	const raw = r.rawVariables.request_uri;

	return requests.split(raw ? raw.toString() : '');
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

/* The size of the response whose file is `path` + `.json`; requests.OVERSIZE if it was left
 * out; null if the site has no such response. */
function look(path) {
	const file = stat(path + '.json');

	return file && file.isFile() ? file.size
		: stat(path + requests.OVERSIZE) ? requests.OVERSIZE : null;
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
	const folder = r.variables.document_root + '/' + requests.JOINED + '/';
	const seen = {};
	const files = [];
	let oversize = false;
	let unknown = false;
	let length = 1;

	names.forEach((name) => {
		const key = 'n' + name;
		const size = !name || seen[key] ? null : look(folder + name);

		seen[key] = true;
		if (size === requests.OVERSIZE) {
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
			: length > requests.JOIN_MAX ? '//error/join'
				: '//' + requests.JOINED + (length > requests.LARGE ? '/large' : '');
}

/*
 * The internal location that answers a request; without its first slash it is the path of
 * the file in the site. nginx.server.in explains why it begins with two slashes.
 */
function route(r) {
	const url = sent(r);
	const path = requests.find(url.path);
	let names;

	if (path === null) {
		return '//error/404';
	}
	names = path === requests.JOINED ? requests.imageNames(url.query) : [];
	if (names === null) {
		return '//error/ids';
	}
	if (names.length > 1) {
		return joining(r, names);
	}
	if (names.length === 1) {
		return '//' + requests.JOINED + '/' + (names[0] ? names[0] + '.json' : '');
	}
	return '//' + path + '.json';
}

/* The location that answers in place of a file that the site does not have, or that nginx
 * cannot open. */
function missing(r) {
	const path = r.variables.document_root + r.uri.replace(/\.json$/, '');

	try {
		const size = look(path);

		if (size === requests.OVERSIZE) {
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
			: r.uri.startsWith('//' + requests.JOINED + '/') ? '//' + requests.JOINED + '/'
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
	const location = plan ? r.uri : joining(r, requests.imageNames(sent(r).query));
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

/* The text of health.json, as requests.health wants it. */
function healthText(r) {
	const path = r.variables.document_root + '/health.json';
	const file = stat(path);

	if (!file) {
		return null;
	}
	if (!file.isFile() || file.size > requests.HEALTH_MAX) {
		return undefined;
	}
	try {
		return fs.readFileSync(path).toString();
	} catch (e) {
		return '';
	}
}

/* GET /healthz. */
function health(r) {
	const answer = requests.health(healthText(r), Date.now(),
		Number(r.variables.albumen_max_age));

	r.headersOut['Content-Type'] = 'application/json; charset=utf-8';
	r.return(answer.healthy ? 200 : 503, JSON.stringify(answer));
}

export default { route, missing, join, health };
