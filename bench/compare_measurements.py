#!/usr/bin/env python3
"""How well the measurements of two runs of one study repeat.

    bench/compare_measurements.py FIRST/study.db SECOND/study.db [--names decode token_energy …]

A line for each variant and measurement that both stores have: the two medians over repetitions, and how far apart they are, of the
smaller one. Values without a number are left out. Standard library only.
"""
import argparse
import sqlite3
import statistics


def medians(path):
    """{(variant, measurement): (median, unit)}"""
    store = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    rows = store.execute("""SELECT v.name, m.name, m.unit_of_measure, m.value FROM measurements m
JOIN units u ON u.id = m.unit JOIN variants v ON v.id = u.variant WHERE m.value IS NOT NULL""")
    values = {}
    for variant, name, unit, value in rows:
        values.setdefault((variant, name, unit), []).append(value)
    return {(variant, name): (statistics.median(found), unit) for (variant, name, unit), found in values.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first")
    parser.add_argument("second")
    parser.add_argument("--names", nargs="*")
    arguments = parser.parse_args()
    first, second = medians(arguments.first), medians(arguments.second)
    for (variant, name), (a, unit) in sorted(first.items()):
        if (variant, name) not in second or (arguments.names and name not in arguments.names):
            continue
        b = second[variant, name][0]
        smaller = min(abs(a), abs(b))
        apart = "-" if smaller == 0 else f"{abs(a - b) / smaller:.1%}"
        print(f"{variant:24} {name:28} {a:12.5g} {b:12.5g} {unit:12} {apart}")


if __name__ == "__main__":
    main()
