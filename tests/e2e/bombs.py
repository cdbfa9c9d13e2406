#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""tests/e2e/bombs.py KIND REPO - makes a bomb of the repository REPO, with git's plumbing.

A bomb takes a few hundred kilobytes, and more time or memory than there is to whoever goes
through all that it says. Most kinds become the next commit of main, with the message of the
last one. Prints nothing.
"""
import hashlib
import os
import subprocess
import struct
import sys
import zlib


def git(*args, data=None):
    done = subprocess.run(('git', '-C', REPO, *args), input=data, stdout=subprocess.PIPE,
                          check=True)
    return done.stdout.decode().strip()


def add(kind, body):
    return git('hash-object', '-t', kind, '-w', '--stdin', '--literally', data=body)


def tree(entries):
    """A tree of (name, id, whether it is a tree), in this order."""
    return add('tree', b''.join(
        (b'40000 ' if is_tree else b'100644 ') + name.encode() + b'\0' + bytes.fromhex(oid)
        for name, oid, is_tree in entries))


def folders(oid, names):
    return tree([(name, oid, True) for name in names])


def put(path, oid, is_tree=True):
    """The tree of main with `path` replaced."""
    entries = {}
    names = path.split('/')
    listed = subprocess.run(('git', '-C', REPO, 'ls-tree', '-z', 'main:' + '/'.join(names[:-1])),
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    for line in listed.stdout.decode().split('\0')[:-1]:
        mode, _, old, name = line.replace('\t', ' ').split(' ', 3)
        entries[name] = (old, mode == '040000')
    entries[names[-1]] = (oid, is_tree)
    made = tree([(name, *entries[name])
                 for name in sorted(entries, key=lambda n: n + '/' * entries[n][1])])
    return put('/'.join(names[:-1]), made) if len(names) > 1 else made


def commit(root, trailer='', signature=''):
    message = git('log', '-1', '--format=%B', 'main') + '\n' + trailer
    person = 'albumen-exporter <albumen@localhost> %s +0000' % git('log', '-1', '--format=%ct', 'main')
    body = f'tree {root}\nparent {git("rev-parse", "main")}\n' \
           f'author {person}\ncommitter {person}\n{signature}\n{message}'
    git('update-ref', 'refs/heads/main', add('commit', body.encode()))


def many_levels():
    """On each of 24 levels the same folder, 16 times."""
    oid = tree([('x.json', BLOB, False)])
    for _ in range(24):
        oid = folders(oid, [f'{i:02x}' for i in range(16)])
    return oid


def levels():
    commit(put('bomb', many_levels()))


def shard():
    commit(put('api/v1/tag_images/00', many_levels()))


def signed():
    commit(put('bomb', many_levels()), f'Albumen-Tree-SHA256: {"0" * 64}\n',
           'gpgsig -----BEGIN SSH SIGNATURE-----\n x\n -----END SSH SIGNATURE-----\n')


def everywhere(oid):
    """The same folder in each of the 65,536 shards."""
    names = [f'{i:02x}' for i in range(256)]
    return folders(folders(oid, names), names)


def shards():
    oid = tree([(f'n{i:05}.json', BLOB, False) for i in range(65536)])
    for path in ('api/v1/tag_images', 'audit/tags'):
        commit(put(path, everywhere(oid)))


def albums():
    oid = folders(folders(many_levels(), ['images']), [f'n{i:05}' for i in range(65536)])
    commit(put('api/v1/albums', everywhere(oid)))


def empty():
    commit(put('api/v1/tag_images', everywhere(tree([]))))


def twins():
    name = 'twin'
    shard = hashlib.sha1(f'blob {len(name)}\0{name}'.encode()).hexdigest()
    oid = tree([(f'{name}.json', BLOB, False)] * 1000000)
    commit(put(f'api/v1/tag_images/{shard[:2]}/{shard[2:4]}', oid))


def depth():
    oid = BLOB
    for level in range(3000):
        oid = tree([('d', oid, level > 0)])
    commit(put('api/v1/albums', oid))


def parents():
    body = git('cat-file', 'commit', 'main').split('\n')
    main = git('rev-parse', 'main')
    git('update-ref', 'refs/heads/main', add('commit', '\n'.join(
        body[:1] + [f'parent {main}'] * 1000000 +
        [line for line in body[1:] if not line.startswith('parent ')]).encode() + b'\n'))


def refs():
    main = git('rev-parse', 'main')
    with open(f'{REPO}/packed-refs', 'a', encoding='ascii') as file:
        for i in range(5000):
            file.write(f'{main} refs/tags/t{i:06}\n')


def tags():
    oid, kind = git('rev-parse', 'main'), 'commit'
    lines = []
    for i in range(2000):
        oid = add('tag', f'object {oid}\ntype {kind}\ntag t{i:04}\n'
                         f'tagger a <a> 1 +0000\n\nx\n'.encode())
        kind = 'tag'
        lines.append(f'{oid} refs/tags/t{i:04}\n')
    with open(f'{REPO}/packed-refs', 'a', encoding='ascii') as file:
        file.writelines(lines)


def head():
    with open(f'{REPO}/refs/heads/main', 'w', encoding='ascii') as file:
        file.write('ref: refs/heads/other\n')
    with open(f'{REPO}/refs/heads/other', 'w', encoding='ascii') as file:
        file.write('ref: refs/heads/main\n')


def head_of(kind, size):
    byte, out = kind << 4 | size & 15, b''
    size >>= 4
    while size:
        out += bytes([byte | 0x80])
        byte, size = size & 0x7f, size >> 7
    return out + bytes([byte])


def write_pack(objects):
    """A pack of (id, bytes of the object in it), and its index."""
    data, places = b'PACK' + struct.pack('>II', 2, len(objects)), []
    for oid, packed in objects:
        places.append((oid, zlib.crc32(packed), len(data)))
        data += packed
    data += hashlib.sha1(data).digest()
    places.sort()
    index = b'\377tOc' + struct.pack('>I', 2)
    index += b''.join(struct.pack('>I', sum(oid[0] <= first for oid, _, _ in places))
                      for first in range(256))
    index += b''.join(oid for oid, _, _ in places)
    index += b''.join(struct.pack('>I', crc) for _, crc, _ in places)
    index += b''.join(struct.pack('>I', offset) for _, _, offset in places) + data[-20:]
    index += hashlib.sha1(index).digest()
    name = f'{REPO}/objects/pack/pack-{data[-20:].hex()}'
    for suffix, body in ('pack', data), ('idx', index):
        with open(f'{name}.{suffix}', 'wb') as file:
            file.write(body)


def cycle():
    """The tree of the last snapshot is a delta of what is a delta of it."""
    other = b'\1' * 20
    delta = zlib.compress(b'\x05\x05\x90\x05')
    made = bytes.fromhex(add('tree', b'100644 cycle\0' + bytes.fromhex(BLOB)))
    os.unlink(f'{REPO}/objects/{made.hex()[:2]}/{made.hex()[2:]}')
    write_pack([(made, head_of(7, 4) + other + delta), (other, head_of(7, 4) + made + delta)])
    commit(made.hex())


def chain():
    """4000 versions of 3 MiB, each a delta of the one before, the last one first."""
    size, said, objects, base = 3 << 20, b'\x80\x80\xc0\x01', [], b''
    for i in range(4000):
        # Four new bytes, and all but the first four of the base.
        delta = said + said + b'\x04' + struct.pack('>I', i) + b'\xf1\x04\xfc\xff\x2f'
        oid = hashlib.sha1(b'%d' % i).digest()
        objects.append((oid, head_of(7, len(delta)) + base + zlib.compress(delta) if base
                        else head_of(3, size) + zlib.compress(bytes(size))))
        base = oid
    write_pack(objects[::-1])


def claims():
    """Objects that say that they are of 256 MiB, and are not."""
    size = 256 << 20
    write_pack([(hashlib.sha1(b'%d' % i).digest(), head_of(3, size) + zlib.compress(b'%d' % i))
                for i in range(4000)])


KIND, REPO = sys.argv[1:]
BLOB = add('blob', b'[]')
globals()[KIND]()
