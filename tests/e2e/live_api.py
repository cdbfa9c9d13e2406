#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""tests/e2e/live_api.py PORT FOLDER - a live API as in tests/fixtures/recorded, with failures.

It has the two recorded albums, and some more, made of the recorded image. Each request is a line
of FOLDER/requests: its path and its Authorization. FOLDER/control.json, read at each request:

    {"faults": {PATH: [FAULT...]},  the first answers to PATH since the file changed: an HTTP status,
                                    [status, {header: value}, body], "cut" (the body ends early),
                                    "drop" (no answer), "bomb" (257 MiB in gzip), or a text, which
                                    is the body; null: none
     "unlisted": [ALBUM...],        left out of the list of albums
     "counts": {ALBUM: N},          what the list of albums says of these
     "removed": [IMAGE...]}         images that are gone
"""
import http.server
import json
import os
import re
import sys
import urllib.parse
import zlib

TOKEN = 'abc.DEF-123_x'
FIXTURES = os.path.join(os.path.dirname(__file__), '..', 'fixtures', 'recorded')


def recorded(name):
    """The headers and the text of the body of a recorded answer."""
    with open(os.path.join(FIXTURES, name + '.md'), encoding='utf-8') as file:
        answer = file.read().split('### Response')[1]
    headers, _, body = re.findall(r'<pre>(.*?)</pre>', answer, re.S)
    headers = [line.split(': ', 1) for line in headers.splitlines()]
    return [(name, value) for name, value in headers if name != 'Content-Length'], body


def text_of(member, text):
    """The text of the value of the first such member."""
    begin = text.index('"%s": ' % member) + len(member) + 4
    return text[begin:json.JSONDecoder().raw_decode(text, begin)[1]]


HEADERS, UNTAGGED = recorded('untag')
_, TAGGED = recorded('tag-images')
UNTAGGED, TAGGED = UNTAGGED.strip()[1:-1], TAGGED.strip()[1:-1].strip()
TAGGED_ID = json.loads(TAGGED)['image']['id']


def like(image, album):
    return UNTAGGED.replace('"public_id":"078fafdc-f05a-44c4-94df-c04244c7cda4"',
                            '"public_id":"%s"' % image).replace('00324000005TXjIAAW', album)


# album: [(image, its text)]
ALBUMS = {'00324000004ijWS': [(TAGGED_ID, text_of('image', TAGGED))],
          '00324000005TXjIAAW': [('078fafdc-f05a-44c4-94df-c04244c7cda4', UNTAGGED)],
          "of 5 % & (a/b)'s": [('odd?&#%d' % n, like('odd?&#%d' % n, "of 5 % & (a/b)'s"))
                               for n in range(3)],
          'linked': [('linked-%d' % n, like('linked-%d' % n, 'linked')) for n in range(5)],
          'numbered': [('numbered-%d' % n, like('numbered-%d' % n, 'numbered')) for n in range(5)],
          'wide': [('wide-%0190d' % n, like('wide-%0190d' % n, 'wide')) for n in range(40)],
          'strict': [('strict-0', like('strict-0', 'strict'))],
         'empty': []}
STRICT = 'strict'  # knows no `page`
PAGE = {'linked': 2, 'numbered': 2}  # images a page
# image: the text of its tag image
TAG_IMAGES = {TAGGED_ID: TAGGED}
for album, n in (('linked', 1), ('linked', 4), ('numbered', 3), ('wide', 30)):
    image, text = ALBUMS[album][n]
    TAG_IMAGES[image] = '{"id":"t-%s","image":%s,"tag":%s}' % (image[:20], text,
                                                             text_of('tag', TAGGED))


class Handler(http.server.BaseHTTPRequestHandler):
    asked = {}
    control = None

    def do_GET(self):
        with open('requests', 'a') as log:
            log.write('%s %s\n' % (self.path, self.headers['Authorization']))
        path, _, query = self.path.partition('?')
        with open('control.json') as file:
            text = file.read()
        if text != Handler.control:
            Handler.control, Handler.asked = text, {}
        control = json.loads(text)
        n = Handler.asked.get(path, 0)
        Handler.asked[path] = n + 1
        fault = (control.get('faults', {}).get(path, [])[n:] or [None])[0]
        if fault == 'drop':
            self.close_connection = True
        elif isinstance(fault, int):
            self.answer(fault, '')
        elif isinstance(fault, list):
            self.answer(fault[0], (fault + [''])[2], fault[1])
        elif fault == 'bomb':
            gzip = zlib.compressobj(1, wbits=31)
            self.answer(200, b''.join(gzip.compress(b' ' * 2**20) for _ in range(257)) +
                        gzip.flush(), {'Content-Encoding': 'gzip'})
        elif self.headers['Authorization'] != 'Token token="%s"' % TOKEN:
            self.answer(401, '')
        elif fault not in (None, 'cut'):
            self.answer(200, fault)
        else:
            self.answer(*self.body(path, urllib.parse.parse_qs(query), control),
                        cut=fault == 'cut')

    def body(self, path, query, control):
        removed = control.get('removed', [])
        if path == '/api/v1/albums':
            return 200, json.dumps(
                [{'public_id': album,
                  'images_count': control.get('counts', {}).get(
                      album, len([i for i in images if i[0] not in removed])),
                  'thumbnails': []}
                 for album, images in ALBUMS.items() if album not in control.get('unlisted', [])])
        if path == '/api/v1/tag_images':
            if len(self.path) > 8000:
                return 414, ''
            return 200, '[\n  %s\n]\n' % ',\n'.join(
                TAG_IMAGES[image] for image in query.get('image_ids[]', []) if image in TAG_IMAGES)
        match = re.fullmatch('/api/v1/albums/([^/]+)/images', path)
        album = match and urllib.parse.unquote(match[1])
        if album not in ALBUMS:
            return 404, ''
        if album == STRICT and query:
            return 400, ''
        images = [text for image, text in ALBUMS[album] if image not in removed]
        if album not in PAGE:
            return 200, '[' + ','.join(images) + ']'
        page, size = int(query.get('page', ['1'])[0]), PAGE[album]
        headers = {}
        if album == 'linked' and page * size < len(images):
            headers['Link'] = ('<%s?page=1>; rel="first", <%s?page=%d>; rel="next"' %
                               (path, path, page + 1))
        return 200, '[' + ','.join(images[(page - 1) * size:page * size]) + ']', headers

    def answer(self, status, body, headers=None, cut=False):
        body = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        for name, value in [*HEADERS, ('X-token', TOKEN), *(headers or {}).items()]:
            self.send_header(name, value)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body[:len(body) // 2] if cut else body)

    def log_message(self, *_):
        pass


def main():
    os.chdir(sys.argv[2])
    http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()


main()
