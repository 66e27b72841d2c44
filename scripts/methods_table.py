#!/usr/bin/env python3
"""Write the table of evidence in docs/methods.md from stores of its study.

Usage: methods_table.py [--page PAGE] [--study FILE] [STORE ...]

Replaces what stands between the two markers in PAGE (default: docs/methods.md) by a row for each recipe of FILE (default:
examples/methods/study.toml): bits per weight, perplexity, divergence from the reference model, what quantizing cost, and the id of the run. A row
comes from the last STORE (study.db) in which the recipe was judged, else it stays as it stands in PAGE, so that a long study may be run in parts; a recipe
without either is "not run". A number that the store does not have is a dash. Standard library only.
"""

import argparse
import sqlite3
import sys
import tomllib
from pathlib import Path

BEGIN, END = "<!-- evidence: begin -->", "<!-- evidence: end -->"
HEAD = ("| Recipe | Bits per weight | Perplexity | 95 % interval | KL divergence, nats | Same top token | CPU s | Peak MB | Run |\n"
        "|---|---:|---:|---|---:|---:|---:|---:|---|\n")
SCORES = """
SELECT s.value, s.low, s.high FROM plan JOIN units u ON u.id = plan.unit JOIN tasks t ON t.id = u.task
JOIN summaries s ON s.unit = u.id WHERE u.variant = ? AND t.name LIKE ? AND s.metric = ?"""


def number(value, form, scale=1.0):
    return "–" if value is None else format(value * scale, form)


def score(store, variant, task, metric):
    return store.execute(SCORES, (variant, task, metric)).fetchone() or (None, None, None)


def title(recipe):
    return "the model as it came" if recipe == "none" else f"`{recipe}`"


def perplexity_form(value):
    return ".2f" if value is None or value < 1e4 else ".2e"


def row(store, variant):
    value, low, high = score(store, variant["id"], "%disjoint2048%", "perplexity")
    form = perplexity_form(high)
    interval = "–" if low is None else f"{low:{form}} to {high:{form}}"
    kl = score(store, variant["id"], "%kl512%", "kl")[0]
    if value is None and kl is None:
        return None
    top = score(store, variant["id"], "%kl512%", "top1_agreement")[0]
    cells = [title(variant["recipe_name"]), number(variant["bits_per_weight"], ".2f"), number(value, form), interval, number(kl, ".4f"),
             "–" if top is None else f"{top:.1%}", number(variant["quantize_cpu_seconds"], ".1f"),
             number(variant["quantize_peak_bytes"], ".0f", 1e-6), f"`{variant['id'][:12]}`"]
    return "| " + " | ".join(cells) + " |\n"


def rows_of_store(path):
    """The judged recipes' rows by title."""
    store = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    store.row_factory = sqlite3.Row
    variants = store.execute("""SELECT v.* FROM plan JOIN units u ON u.id = plan.unit JOIN variants v ON v.id = u.variant
                                GROUP BY v.id ORDER BY min(position)""").fetchall()
    found = {title(v["recipe_name"]): row(store, v) for v in variants if v["bits_per_weight"] is not None}
    return {name: line for name, line in found.items() if line is not None}


def rows_of_page(table):
    """The rows that stand in the page by title, but for those that were not run."""
    lines = [line + "\n" for line in table.splitlines() if line.startswith("| ") and "| not run |" not in line]
    return {line.split("|")[1].strip(): line for line in lines[1:]}


def main():
    root = Path(__file__).parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stores", nargs="*", metavar="STORE")
    parser.add_argument("--page", type=Path, default=root / "docs/methods.md")
    parser.add_argument("--study", type=Path, default=root / "examples/methods/study.toml")
    arguments = parser.parse_args()
    text = arguments.page.read_text()
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        sys.exit(f"{arguments.page}: expected one '{BEGIN}' and one '{END}'")
    before, rest = text.split(BEGIN)
    old, after = rest.split(END)
    rows = rows_of_page(old)
    for store in arguments.stores:
        rows |= rows_of_store(store)
    names = [title(variant["recipe"]) for variant in tomllib.loads(arguments.study.read_text())["variant"]]
    table = "".join(rows.get(name, f"| {name} | not run |" + " |" * 7 + "\n") for name in names)
    arguments.page.write_text(before + BEGIN + "\n" + HEAD + table + END + after)


if __name__ == "__main__":
    main()
