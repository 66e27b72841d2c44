#!/usr/bin/env python3
"""Checks that each src/<path>.cc has tests/unit/<path>_test.cc, and that every test file is part of the build.

A source that another test covers stands in scripts/untested.txt with the test and the reason: `src/path.cc tests/... REASON`.
Exit status 1 with one line a fault.
"""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    faults, covered = [], {}
    listing = ROOT / "scripts/untested.txt"
    for line in listing.read_text().splitlines() if listing.exists() else []:
        if line.strip() and not line.startswith("#"):
            source, test, _reason = line.split(maxsplit=2)
            covered[source] = test
            if not (ROOT / source).exists():
                faults.append(f"untested.txt: {source} does not exist")
            if not (ROOT / test).exists():
                faults.append(f"untested.txt: {test} does not exist")
    n = 0
    for path in sorted([*(ROOT / "src").rglob("*.cc"), *(ROOT / "src").rglob("*.cu")]):
        n += 1
        source = str(path.relative_to(ROOT))
        test = ROOT / "tests/unit" / path.relative_to(ROOT / "src").with_name(path.stem + "_test.cc")
        if not test.exists() and source not in covered:
            faults.append(f"{source}: no {test.relative_to(ROOT)}")
        elif test.exists() and source in covered:
            faults.append(f"untested.txt: {source} has its own test now")
    lists = "\n".join(p.read_text() for p in (ROOT / "tests").rglob("CMakeLists.txt"))
    for path in sorted((ROOT / "tests").rglob("*_test.cc")):
        if path.name not in lists:
            faults.append(f"{path.relative_to(ROOT)}: not in any CMakeLists.txt")
    for fault in faults:
        print(fault)
    print(f"tests: {n} sources, {len(covered)} covered elsewhere, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
