#!/usr/bin/env python3
"""Compares every #include under src/ with the include table, which is the DEPS line of each folder's CMakeLists.txt.

Also checks that headers are guarded by `#pragma once`, that the table has no cycles, and that the table in
CONTRIBUTING.md says the same. Exit status 1 with one line a fault.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SRC = ROOT / "src"
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def read_rows():
    """Folder -> set of folders that it may include, from nibble_library(name ... DEPS a b c ...)."""
    rows = {}
    for cmake in sorted(SRC.glob("*/CMakeLists.txt")):
        text = re.sub(r"#.*", "", cmake.read_text())
        call = re.search(r"nibble_library\(\s*(\w+)(.*?)\)", text, re.S)
        if not call:
            continue
        words, deps, inside = call.group(2).split(), set(), False
        for word in words:
            if word.isupper() and word in ("SOURCES", "DEPS", "LINK", "SEPARATE"):
                inside = word == "DEPS"
            elif inside:
                deps.add(word)
        rows[call.group(1)] = deps
    return rows


def documented_rows():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    rows = {}
    for line in re.findall(r"^\s*\| (\w+) \| ([^|]+) \|$", text, re.M):
        if line[0] != "Folder":
            rows[line[0]] = {word.strip() for word in line[1].split(",")} - {"–", "all"}
    return rows


def find_cycle(rows):
    done, path = set(), []

    def visit(folder):
        if folder in path:
            return path[path.index(folder):] + [folder]
        if folder in done:
            return None
        path.append(folder)
        for dep in sorted(rows.get(folder, ())):
            if cycle := visit(dep):
                return cycle
        path.pop()
        done.add(folder)
        return None

    for folder in sorted(rows):
        if cycle := visit(folder):
            return cycle
    return None


def main():
    faults, rows = [], read_rows()
    for folder, deps in sorted(documented_rows().items()):
        if folder in rows and folder != "app" and rows[folder] != deps:
            faults.append(f"CONTRIBUTING.md: row {folder} says {sorted(deps)}, CMake says {sorted(rows[folder])}")
    if cycle := find_cycle(rows):
        faults.append("include table has a cycle: " + " -> ".join(cycle))
    for path in sorted(SRC.rglob("*")):
        if path.suffix not in (".h", ".cc", ".cu", ".cuh", ".inc"):
            continue
        relative = path.relative_to(SRC)
        folder, text = relative.parts[0], path.read_text()
        if path.suffix in (".h", ".cuh") and "#pragma once" not in text:
            faults.append(f"src/{relative}: no #pragma once")
        for target in INCLUDE.findall(text):
            owner = target.split("/")[0]
            if owner != folder and owner in rows and owner not in rows.get(folder, set()):
                faults.append(f"src/{relative}: includes {target}, but {folder} may include only {sorted(rows.get(folder, ()))}")
            elif not (SRC / target).exists() and owner in rows:
                faults.append(f"src/{relative}: includes {target}, which does not exist")
    for fault in faults:
        print(fault)
    print(f"include table: {len(rows)} folders, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
