/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the token of a request allows (albumen(7), "Tokens"). Each edge that runs scripts
 * contains this file, so that all decide alike. It imports nothing: what engines do
 * differently is passed in as `engine`:
 *
 *	now		the time, in seconds since 1970
 *	bytes(TEXT)	the bytes that base64url stands for, for a TextDecoder
 *	hmac(SECRET, TEXT, THEN)	returns what THEN returns, or a promise of it; THEN is
 *			called with the HMAC-SHA256, as base64url without padding
 *
 * Whatever is not understood is refused. Written for njs 0.7.9 as well: no loops over
 * iterators, no modules, no async functions.
 */

const TOKEN_MAX = 8192; /* characters */
const AUTHORIZATION = /^(?:token +token="([A-Za-z0-9_.-]*)"|bearer +([A-Za-z0-9_.-]*))$/i;
const BASE64URL = /^[A-Za-z0-9_-]+$/;

/* In place of an album's id, what all that belongs to no album is allowed by. */
const EVERYTHING = 'albumen';

/* The member `name` of a JSON object; undefined if there is none. Members of an object's
 * prototype are none: albums may be called `constructor`. */
function member(object, name) {
	return typeof object === 'object' && object !== null && !Array.isArray(object) &&
		typeof name === 'string' && Object.prototype.hasOwnProperty.call(object, name)
		? object[name] : undefined;
}

function isTime(value) {
	return typeof value === 'number' && isFinite(value);
}

/* True if the texts are equal. How long it takes does not tell where they differ. */
function isSame(a, b) {
	let differ = a.length ^ b.length;

	for (let i = 0; i < a.length; i++) {
		differ |= a.charCodeAt(i) ^ b.charCodeAt(i % b.length);
	}
	return differ === 0;
}

/* The JSON value of a part of a token; null if it is not base64url of JSON. */
function parse(part, engine) {
	try {
		return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
			.decode(engine.bytes(part)));
	} catch (e) {
		return null;
	}
}

/* The token that a request brings; '' if it brings none, several, or anything else. */
function find(authorization, query) {
	const found = authorization.map((value) => {
		const match = AUTHORIZATION.exec(value);

		return match ? match[1] || match[2] || '' : '';
	});

	(query === null ? [] : query.split('&')).forEach((pair) => {
		if (pair.startsWith('token=')) {
			found.push(pair.slice('token='.length));
		}
	});
	return found.length === 1 && found[0].length <= TOKEN_MAX ? found[0] : '';
}

/*
 * What a request may see: null, which is nothing; or an object of
 *
 *	everything	true: all that belongs to no album
 *	tagImages	true: the tag images of any images
 *	album(ID)	true: the images of that album
 *
 * or a promise of it, if `engine.hmac` returns one. `authorization` are the values of all the
 * headers of that name, `query` is the text behind the question mark, or null, and `keys` the
 * file of --tokens as an object, or null if it cannot be read.
 */
function rights(authorization, query, keys, engine) {
	const parts = find(authorization, query).split('.');

	if (parts.length !== 3 ||
		!parts.every((part) => BASE64URL.test(part) && part.length % 4 !== 1)) {
		return null;
	}

	const header = parse(parts[0], engine);
	const claims = parse(parts[1], engine);
	const secret = member(keys, member(claims, 'iss'));
	const from = member(claims, 'nbf');

	/* `crit` says that a token must not be read without a certain extension. */
	if (member(header, 'alg') !== 'HS256' || member(header, 'crit') !== undefined ||
		typeof secret !== 'string' || secret === '' ||
		!isTime(member(claims, 'exp')) || claims.exp <= engine.now ||
		(from !== undefined && !(isTime(from) && from <= engine.now))) {
		return null;
	}

	const abilities = member(claims, 'abilities');
	const access = (album, what) =>
		member(member(member(abilities, album), 'Access'), what) === true;
	const q = member(claims, 'q');

	return engine.hmac(secret, parts[0] + '.' + parts[1], (mac) => (!isSame(parts[2], mac) ? null : {
		everything: access(EVERYTHING, 'audit'),
		tagImages: member(claims, 'thumbnail_tags') === true && (q === undefined || q === '*'),
		album: (id) => id !== EVERYTHING && access(id, 'image_list'),
	}));
}

/*
 * Whether `allowed`, which `rights` has made, allows a request: true; false; or null, which
 * means: if `allowed.album` is true for the album (albumOf) of each of the images that has
 * tag images. `path` is the request's path in the site, without `.json`; null if it is none of
 * the API. `images` is how many parameters image_ids[] it has.
 */
function may(allowed, path, images) {
	const album = /^api\/v1\/albums\/([^/]+)\/images(?:\/untag)?$/.exec(path || '');

	if (allowed === null) {
		return false;
	}
	if (album) {
		return allowed.album(decodeURIComponent(album[1]));
	}
	if (path === 'api/v1/tag_images' && images > 0) {
		return allowed.tagImages || null;
	}
	return allowed.everything;
}

/*
 * The id of the album of the image that a response of tag images is about, which its first
 * element contains; null if that does not say; undefined if `text`, the beginning of the
 * response, is too short to tell. A site's JSON has no spaces and no needless escapes
 * (albumen(7), "Canonical text"), and in a string there is a backslash before each quote.
 * `budget.steps` is how many brackets it may look at, of this response and of others with the
 * same budget; 64 characters count as one, too. Then it gives up with null.
 */
function albumOf(text, budget) {
	/* What stands before a bracket: whole strings, and what is between them. */
	const piece = /([^"[\]{}]*(?:"[^"\\]*(?:\\.[^"\\]*)*"[^"[\]{}]*)*)([[\]{}]?)/g;
	let depth = 0; /* 2: in the first tag image; 3: in a member of it */
	let inImage = false;

	for (;;) {
		const match = piece.exec(text);
		const bracket = match[2];
		const album = inImage && depth === 3 && bracket !== ''
			? /(?:^|,)"album_id":("[^"\\]*(?:\\.[^"\\]*)*")/.exec(match[1]) : null;

		if (bracket === '') {
			return undefined;
		}
		if (album !== null) {
			return JSON.parse(album[1]);
		}
		budget.steps -= 1 + (match[1].length >> 6);
		if (bracket === '{' || bracket === '[') {
			depth++;
			if (depth === 3) {
				inImage = bracket === '{' && /(?:^|,)"image":$/.test(match[1]);
			}
		} else {
			depth--;
		}
		if (budget.steps <= 0 || (depth < 2 && bracket !== '[' && bracket !== '{')) {
			return null;
		}
	}
}

export default { rights, may, albumOf };
