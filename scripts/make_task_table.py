#!/usr/bin/env python3
"""Writes the table of tasks that are files into docs/tasks.md, between its two marks, from tasks/*.toml and the index of golden files.

usage: make_task_table.py [--check]    With --check nothing is written; exit status 1 when the page is not as it would be.
"""
import json
import pathlib
import re
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- tasks: begin -->\n", "<!-- tasks: end -->\n"
ASKED = {"choice": "log-likelihood of each choice", "continuation": "log-likelihood of the target", "generation": "greedy answer",
         "perplexity": "rolling log-likelihood"}


def shots(task):
    rule = task.get("shots", {})
    count = rule.get("default", 0)
    if rule.get("locked") or not rule:
        return f"{count}, fixed"
    if "row" in rule:
        pool = "the task's own, in order"
    elif rule.get("sampler") == "first":
        pool = "the first of its development rows"
    else:
        files = [name.split(":")[-1] for name in rule.get("files", [])]
        pool = " or ".join(f"`{name}`" for name in files)
        if rule.get("leaves_itself_out"):
            pool += ", else the evaluated rows; itself left out"
    return f"{count}; from {pool}"


def metrics(task):
    names = {"drop": ["em", "f1"], "coqa": ["em", "f1"], "squadv2": ["exact", "f1", "HasAns_…", "NoAns_…", "best_…"]}
    out = [name for metric in task["metrics"] for name in names.get(metric, [metric])]
    text = ", ".join(f"`{name}`" for name in out)
    filters = [f["name"] for f in task.get("filter", [])]
    return text + (" by " + ", ".join(filters) if len(filters) > 1 else "")


def evidence(name, index):
    found = [(key, row) for key, row in sorted(index.items()) if re.fullmatch(re.escape(name) + r"(_.*)?", row["task"])]
    found = [(key, row) for key, row in found if row["task"] == name or not (ROOT / f"tasks/{row['task']}.toml").exists()]
    if not found:
        return "no golden file; rows worked by hand"
    docs = sum(row["docs"] for _, row in found)
    scored = sum(row["scored_docs"] for _, row in found if "not recorded" not in row["note"])
    counts = " and ".join(str(n) for n in sorted({row["num_fewshot"] for _, row in found}))
    return f"{docs} documents byte for byte, {scored} scores ({counts} shots)"


def table():
    index = json.loads((ROOT / "tests/golden/eval/tasks_index.json").read_text())
    rows = ["| Name | Version | Data set | Asked | Examples | Metrics | Reference | Agreement |", "|---|---|---|---|---|---|---|---|"]
    for path in sorted((ROOT / "tasks").glob("*.toml")):
        task = tomllib.loads(path.read_text())
        rows.append("| " + " | ".join([
            f"`{task['name']}`", str(task["version"]), task["data"].get("id", ""), ASKED[task["kind"]], shots(task), metrics(task),
            task.get("reference", "–"), evidence(task["name"], index)]) + " |")
    return "\n".join(rows) + "\n"


def main():
    page = ROOT / "docs/tasks.md"
    text = page.read_text()
    before, rest = text.split(BEGIN)
    wanted = before + BEGIN + table() + END + rest.split(END)[1]
    if "--check" in sys.argv:
        if wanted != text:
            print("docs/tasks.md is not as scripts/make_task_table.py writes it")
            return 1
        return 0
    page.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
