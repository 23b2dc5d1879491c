#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Keeps the layers apart: docs/architecture.md says why.

    purity.py SOURCE-DIRECTORY

Fails when
  * a layer includes a header of a layer that it must not know, or one that is private to that layer;
  * a file on the list of pure ones mentions a socket, a clock, randomness, a FILE or the process it runs in;
  * a header that one file owns appears in a second one;
  * two headers declare a function of the same name: of two archives the linker would take whichever it needs first, and say nothing.
Checks itself first on small trees that break each rule.
"""
import fnmatch
import pathlib
import re
import sys
import tempfile

# Layer -> the layers whose headers it may include, itself apart.
BELOW = {
    "base": [],
    "wire": ["base"],
    "lan": ["base", "wire"],
    "gateway": ["base", "wire", "lan"],
    "service": ["base", "wire", "lan", "gateway"],
    "host": ["base", "wire", "service"],
    "engine": ["base", "wire", "lan", "gateway", "host"],
    "link": ["base", "wire", "lan", "host"],
    "options": ["base", "wire", "lan", "gateway", "service", "host", "engine", "link"],
    "network": ["base", "wire", "lan", "gateway", "service", "host", "engine", "link", "options"],
    "control": ["base", "wire", "lan", "host", "network"],
    # and <lanlet.h>: the command is nothing but a user of the library; `lanlet exec` is a guest, too, and speaks what guests speak
    "app": ["base", "wire", "service", "control"],
}
# Layer -> its only headers that other layers may include; a layer that is not listed keeps nothing to itself.
PUBLIC = {
    "network": ["network/capture.h", "network/change.h", "network/forward/dial.h", "network/network.h", "network/snapshot.h"],
}
# The members of struct lanlet_network are private to src/network.  A test that looks at them is listed, with what it needs.
NETWORK_INTERNAL = "network/network_internal.h"
TESTS_OF_INTERNALS = ["bench/listing.c"]  # times a round of calls: hooks the function that the loop calls for them
# The files that are pure, as patterns.  Purity is a property of a file, not of its folder.
PURE = [
    "base/*", "wire/*", "lan/*", "gateway/*", "service/*", "host/host_change.*",
    "engine/flow_table.*", "engine/refuse.*", "engine/null/*", "engine/native/machine/*", "engine/slirp/translate.*",
]

# C without implicit declarations cannot call what it has no header for.
PURE_HEADERS = {
    "arpa/inet.h",  # inet_pton(), inet_ntop(); it drags sockets in, see SOCKET_CALLS
    "assert.h", "ctype.h", "endian.h", "errno.h", "inttypes.h", "limits.h", "stdalign.h", "stdarg.h", "stdbool.h", "stddef.h", "stdint.h",
    "stdio.h",      # snprintf()
    "stdlib.h", "string.h", "strings.h", "sys/types.h",
    "sys/uio.h",    # struct iovec
}
# What those headers offer beyond computing.
IMPURE_NAMES = re.compile(
    r"\b(FILE|stdin|stdout|stderr|printf|vprintf|fprintf|vfprintf|dprintf|puts|putchar|fopen|fdopen|popen|remove|rename|tmpfile|perror"
    r"|rand|srand|random|srandom|rand_r|drand48|lrand48|arc4random\w*|getentropy|getenv|setenv|system|exit|_exit|atexit|abort"
    r"|readv|writev|preadv|pwritev|process_vm_\w+)\b(?=\s*[(;,)*]|\s+\*)")
SOCKET_CALLS = re.compile(r"(?<![\w.>*])(socket|socketpair|connect|bind|listen|accept4?|send|sendto|sendmsg|recv|recvfrom|recvmsg)\s*\(")
NOT_CODE = re.compile(r"format\(printf,|/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"", re.S)
INCLUDE = re.compile(r"^\s*#\s*include\s*([<\"])([^>\"]+)[>\"]", re.M)

PROTOTYPE = re.compile(r"^(?!static\b|typedef\b)[a-z][\w ]*[ *](\w+)\((?:[^;{}()]|\([^;{}()]*\))*\)[^;{}]*;", re.M)

ONE_FILE = ["slirp/libslirp.h", "libvdeplug.h", "pcap/pcap.h", "sys/epoll.h"]


def is_pure(path):
    return any(fnmatch.fnmatch(str(path), pattern) for pattern in PURE)


def check_includes(path, text):
    layer = path.parts[0]
    for kind, header in INCLUDE.findall(text):
        first = header.split("/")[0]
        if kind == '"' and first in BELOW and first != layer and first not in BELOW[layer]:
            yield f"{path}: {layer} must not know {first} ({header})"
        if kind == '"' and first != layer and header not in PUBLIC.get(first, [header]):
            yield f"{path}: {header} is private to {first}"
        if not is_pure(path):
            continue
        if kind == "<" and header not in PURE_HEADERS:
            yield f"{path}: <{header}> in a pure file"
        if kind == '"' and first in BELOW and not is_pure(header):
            yield f"{path}: {header}, which is not pure, in a pure file"


def check_names(path, text):
    code = NOT_CODE.sub(" ", text)
    names = IMPURE_NAMES.findall(code)
    if "arpa/inet.h" in text:
        names += SOCKET_CALLS.findall(code)
    for name in sorted(set(names)):
        yield f"{path}: {name} in a pure file"


def check_file(path, text):
    if path.parts[0] not in BELOW:
        yield f"{path}: {path.parts[0]} is no layer; tests/purity.py and docs/architecture.md list them"
        return
    yield from check_includes(path, text)
    if is_pure(path):
        yield from check_names(path, text)


def check_patterns(texts):
    for pattern in PURE:
        if not fnmatch.filter(map(str, texts), pattern):
            yield f"no file matches the pattern {pattern} of pure files"


def check_public(texts):
    for layer, headers in PUBLIC.items():
        for header in headers:
            if pathlib.PurePath(header) not in map(pathlib.PurePath, texts):
                yield f"no file {header}, which is listed as public in {layer}"


def check_tests(tests):
    """@tests: path below tests/ -> text."""
    for path, text in tests.items():
        if str(path) not in TESTS_OF_INTERNALS and NETWORK_INTERNAL in (name for _, name in INCLUDE.findall(text)):
            yield f"tests/{path}: {NETWORK_INTERNAL} is private to network: look at snapshots"


def check_owners(texts):
    for header in ONE_FILE:
        owners = [str(path) for path, text in texts.items() if header in (name for _, name in INCLUDE.findall(text))]
        if len(owners) > 1:
            yield f"<{header}> in more than one file: {', '.join(owners)}"


def check_prototypes(texts):
    declared = {}
    for path, text in texts.items():
        for name in set(PROTOTYPE.findall(text)) if path.suffix == ".h" else ():
            declared.setdefault(name, []).append(str(path))
    for name, headers in sorted(declared.items()):
        if len(headers) > 1:
            yield f"{name}() is declared more than once: {', '.join(headers)}"


def sources(source):
    files = sorted(f for f in source.rglob("*.[ch]") if len(f.relative_to(source).parts) > 1)
    return {f.relative_to(source): f.read_text() for f in files}


def check(source):
    texts = sources(source)
    for path, text in texts.items():
        yield from check_file(path, text)
    yield from check_owners(texts)
    yield from check_prototypes(texts)


BROKEN = [
    {"wire/a.c": '#include "lan/frame.h"\n'},
    {"service/a.c": '#include "engine/flow_table.h"\n'},
    {"engine/null/a.c": '#include "engine/native/native.h"\n'},
    {"lan/a.c": "#include <sys/socket.h>\n"},
    {"lan/a.h": "#include <time.h>\n"},
    {"engine/native/machine/a.c": "#include <unistd.h>\n"},
    {"service/a.c": "#include <stdlib.h>\nint f(void) { return rand(); }\n"},
    {"base/a.c": "#include <stdio.h>\nvoid f(FILE *to);\n"},
    {"base/a.c": "#include <stdio.h>\nvoid f(void) { fprintf(stderr, \"x\"); }\n"},
    {"base/a.c": "#include <arpa/inet.h>\nint f(void) { return socket(1, 2, 3); }\n"},
    {"lan/a.c": "#include <stdlib.h>\nvoid f(void) { abort(); }\n"},
    {"host/a.c": "#include <sys/epoll.h>\n", "link/b.c": "#include <sys/epoll.h>\n"},
    {"app/a.c": '#include "network/network.h"\n'},
    {"control/a.c": '#include "network/network_internal.h"\n'},
    {"attic/a.c": ""},
    {"engine/slirp/a.h": "int f(int n, void (*done)(void));\n", "network/b.h": "struct s;\nstruct s *f(struct s *s,\n\t    int n);\n"},
]
SOUND = {
    "base/a.c": "/* random, FILE *, abort() */\n#include <stdlib.h>\nconst char *f(void) { return \"printf(FILE)\"; }\n",
    "lan/a.c": '#include "base/a.h"\n#include <sys/uio.h>\nvoid f(struct o *o) { o->ops->send(o); }\n',
    "engine/slirp/a.c": '#include <slirp/libslirp.h>\n#include <poll.h>\n#include "gateway/engine.h"\n',
    "host/a.c": "#include <sys/epoll.h>\n#include <time.h>\n",
    "control/a.c": '#include "network/snapshot.h"\n',
    "network/a.c": '#include "network/network_internal.h"\n',
    "network/a.h": "static inline int f(void)\n{\n\treturn g();\n}\nint h(void);\n",
    "network/b.h": "static inline int f(void)\n{\n\treturn g();\n}\nstruct s {\n\tint (*h)(void);\n};\n",
}


def complaints_about(tree):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in tree.items():
            file = pathlib.Path(folder, name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return list(check(pathlib.Path(folder)))


def check_itself():
    for tree in BROKEN:
        assert complaints_about(tree), f"nothing said about {tree}"
    assert not complaints_about(SOUND), complaints_about(SOUND)
    assert list(check_tests({"unit/a.c": '#include "network/network_internal.h"\n'}))


def main():
    check_itself()
    source = pathlib.Path(sys.argv[1])
    texts = sources(source)
    found = [*check(source), *check_patterns(texts), *check_public(texts), *check_tests(sources(source.parent / "tests"))]
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


sys.exit(main())
