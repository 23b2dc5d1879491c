#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the documents name exists: files, headings, functions, commands, options and routes.

    docs_names.py SOURCE-DIRECTORY LANLET

Checks links and what stands between backquotes or in indented blocks.  A name with a part in CAPITALS, an ellipsis or a star is a pattern.
Checks itself first on a document that is wrong in each way.
"""
import fnmatch
import json
import os
import pathlib
import re
import subprocess
import sys

DOCUMENTS = ["*.md", "docs/*.md", "tests/*.md", "tests/*/*.md"]
HISTORY = {"CHANGELOG.md"}  # names what is gone
# Folders whose files a document may name: by the whole path, or from a folder above (src/, tests/ …) on.
TREE = ["contrib", "docs", "include", "src", "tests", ".ci"]
OTHER_PROGRAMS = ["contrib", "tests"]  # their options are options, too
# Of curl, Firecracker, cloud-hypervisor, tc and browsers.
OTHER_OPTIONS = {"--unix-socket", "--no-api", "--config-file", "--net", "--vhost-user-net", "--device", "--proxy-server"}
SUFFIXES = ("c", "h", "py", "md", "json", "js", "sh", "svg", "png", "xml", "in", "build")
# A path of the tree ends in one of the suffixes or has its first folder there; sockets, hosts' files and URLs do not count.
PATH = re.compile(r"(?<![\w/.~$<-])((?:[\w.*{},-]+/)*[\w.*{},…-]*\.(?:" + "|".join(SUFFIXES) + r")|(?:" + "|".join(map(re.escape, TREE))
                  + r")/[\w./*{},-]*)(?![\w/-])")
# Files of others, and those that the reader makes.
OUTSIDE = {"docs/interop/vhost-user", "vm.json", "bench.json", "bars.json"}


def expand(pattern):
    """a.{h,c} -> a.h, a.c"""
    if found := re.search(r"\{([^}]*)\}", pattern):
        return [one for part in found[1].split(",") for one in expand(pattern[:found.start()] + part + pattern[found.end():])]
    return [re.sub(r"\b[A-Z_]{3,}\b|…", "*", pattern)]


class Tree:
    def __init__(self, root, commands):
        self.root = root
        self.commands = commands  # name -> set of its options
        self.files = [str(path.relative_to(root)) for top in TREE for path in (root / top).rglob("*") if "corpus" not in path.parts]
        self.files += os.listdir(root)
        text = {name: (root / name).read_text(errors="replace") for name in self.files
                if (root / name).is_file() and not name.endswith((".png", ".svg"))
                and name != "tests/docs_names.py"}  # it has names that do not exist
        self.code = "\n".join(text[name] for name in text if name.endswith((".c", ".h", ".py", ".js", ".build")))
        self.other = "\n".join(text[name] for name in text if name.startswith(tuple(OTHER_PROGRAMS)))
        self.routes = json.loads((root / "docs/openapi.json").read_text())["paths"]

    def has_file(self, name, document):
        name = name.rstrip("/.")
        beside = str(pathlib.Path(document).parent / name)
        patterns = [name, "*/" + name, name + ".c", name + "-test.c", os.path.normpath(beside)]  # programs are named without suffix
        return any(fnmatch.filter(self.files, pattern) for pattern in patterns)

    def has_option(self, option):
        return (option in OTHER_OPTIONS or any(option in options for options in self.commands.values())
                or re.search(rf"(?<![\w-]){option}(?![\w-])", self.other))


def program(lanlet):
    """Name -> options of each command, as lanlet itself tells."""
    def help_of(*words):
        return subprocess.run([lanlet, *words, "--help"], check=True, capture_output=True, text=True, timeout=60).stdout
    names = re.findall(r"(?m)^  ([a-z-]+) +[A-Z]", help_of())
    return {name: {"--version"} | set(re.findall(r"(?m)^  (--[a-z0-9-]+)", help_of(name))) for name in names}


def anchors(text):
    """Of the headings, as GitHub makes them."""
    for heading in re.findall(r"(?m)^#+ (.+)$", text):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def code(text):
    """Each line of an indented block, without its comment, and each text between backquotes."""
    for block in re.findall(r"(?m)(?:^(?: {4}|\t).*\n?)+", text):
        for line in block.splitlines():
            yield re.sub(r"(?:^|\s)#.*", "", line)
    text = re.sub(r"(?m)^(?: {4}|\t).*$", "", text)
    yield from re.findall(r"`([^`\n]+(?:\n[^`\n]+)?)`", text)


def complaints_of(tree, document, text):
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        path = tree.root / pathlib.Path(document).parent / file if file else tree.root / document
        if not path.exists():
            yield f"there is no file {file}"
        elif anchor and anchor not in anchors(path.read_text()):
            yield f"{file} has no heading #{anchor}"
    for piece in code(text):
        piece = piece.replace("\n", " ")
        for name in PATH.findall(piece):
            if name not in OUTSIDE and not re.match(r"build\w*/", name) and not any(tree.has_file(one, document) for one in expand(name)):
                yield f"there is no file {name}"
        for name in re.findall(r"\b([a-z]\w+)\(\)", piece):
            if not re.search(rf"\b{name}\(", tree.code):
                yield f"there is no function {name}()"
        for name in re.findall(r"/v1(?:/[a-z0-9{}-]+)+", piece):
            path = re.sub(r"/(\d+|[A-Z]+)$", "/{}", name)
            if not any(route == name or re.sub(r"\{\w*\}", "{}", route) == path for route in tree.routes):
                yield f"docs/openapi.json has no path {name}"
        command = None
        if found := re.search(r"(?:^|[\s(/])lanlet (?!and )([a-z][a-z-]*)(?![\w.@:=])", piece):
            command = found[1]
            if command not in tree.commands:
                yield f"there is no command lanlet {command}"
                continue
        own = re.sub(r"-- .*", "", piece[found.end():]) if found else piece
        own = re.split(r"[|;)]", own)[0] if found else own
        for option in re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", own):
            if option not in tree.commands[command] if command else not tree.has_option(option):
                yield f"{'lanlet ' + command if command else 'nothing here'} has no option {option}"


def check_self(tree):
    wrong = ("`src/nowhere/a.c` and `fdb_forget_all()`, [x](nowhere.md), [y](README.md#nowhere), `/v1/nothing`, `lanlet fly`,"
             " `lanlet run --fly`, `--never-there`\n")
    right = ("`src/lan/fdb.c`, `fdb.{c,h}`, `fdb_learn()`, [x](README.md#use), `/v1/flows`, `lanlet run NAME --subnet 10.0.0.0/8`,"
             " `--json`\n")
    found = list(complaints_of(tree, "x.md", wrong))
    if len(found) != 8:
        sys.exit(f"docs_names.py finds {found}, not eight faults")
    if found := list(complaints_of(tree, "x.md", right)):
        sys.exit(f"docs_names.py finds {found} where nothing is wrong")


def main():
    root, lanlet = pathlib.Path(sys.argv[1]), sys.argv[2]
    tree = Tree(root, program(lanlet))
    check_self(tree)
    documents = {str(path.relative_to(root)) for glob in DOCUMENTS for path in root.glob(glob)} - HISTORY
    faults = [f"{name}: {fault}" for name in sorted(documents) for fault in complaints_of(tree, name, (root / name).read_text())]
    for fault in faults:
        print(fault)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
