#!/usr/bin/env python3
"""Write the table of evidence in docs/methods.md from the store of a study.

Usage: methods_table.py STORE [PAGE]

Replaces what stands between the two markers in PAGE (default: docs/methods.md) by a row for each variant of STORE (study.db) that was run: bits per
weight, perplexity, divergence from the reference model, what quantizing cost, and the id of the run. A number that the store does
not have is a dash. Standard library only.
"""

import sqlite3
import sys
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


def perplexity_form(value):
    return ".2f" if value is None or value < 1e4 else ".2e"


def row(store, variant):
    value, low, high = score(store, variant["id"], "%disjoint2048%", "perplexity")
    form = perplexity_form(high)
    interval = "–" if low is None else f"{low:{form}} to {high:{form}}"
    kl = score(store, variant["id"], "%kl512%", "kl")[0]
    top = score(store, variant["id"], "%kl512%", "top1_agreement")[0]
    name = "the model as it came" if variant["recipe_name"] == "none" else f"`{variant['recipe_name']}`"
    cells = [name, number(variant["bits_per_weight"], ".2f"), number(value, form), interval, number(kl, ".4f"),
             "–" if top is None else f"{top:.1%}", number(variant["quantize_cpu_seconds"], ".1f"),
             number(variant["quantize_peak_bytes"], ".0f", 1e-6), f"`{variant['id'][:12]}`"]
    return "| " + " | ".join(cells) + " |\n"


def table(path):
    store = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    store.row_factory = sqlite3.Row
    variants = store.execute("""SELECT v.* FROM plan JOIN units u ON u.id = plan.unit JOIN variants v ON v.id = u.variant
                                GROUP BY v.id ORDER BY min(position)""").fetchall()
    return HEAD + "".join(row(store, v) for v in variants if v["bits_per_weight"] is not None)


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__.strip())
    page = Path(sys.argv[2]) if len(sys.argv) == 3 else Path(__file__).parent.parent / "docs" / "methods.md"
    text = page.read_text()
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        sys.exit(f"{page}: expected one '{BEGIN}' and one '{END}'")
    before, rest = text.split(BEGIN)
    page.write_text(before + BEGIN + "\n" + table(sys.argv[1]) + END + rest.split(END)[1])


if __name__ == "__main__":
    main()
