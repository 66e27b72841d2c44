#!/usr/bin/env python3
"""Kills a small study at random moments and checks that it still ends with the same records.

    scripts/kill_study.py [--kills 50] [--program build/release/nibble] [--seed 1]

A study of the demo model runs once without a break. Then it is started again and again in other folders and killed with
SIGKILL after a random time; whenever it comes to its end, everything in its store except measured times is compared with the
store of the first run, and a fresh folder is begun. Exit status 1 with the first difference.
"""
import argparse
import pathlib
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
STUDY = """
name = "killed at random"
model = "demo"
data = "{data}"
[measure]
prompt_tokens = 16
new_tokens = 4
repetitions = 2
[[task]]
name = "demo_choice"
limit = 12
[[task]]
name = "demo_closed_book"
limit = 40
[[variant]]
recipe = "none"
[[variant]]
recipe = "rtn-int8"
"""
TABLES = ("variants", "tasks", "metrics", "units", "plan", "samples", "scores", "failures", "summaries", "notes")


def records(store):
    """Everything that the store holds, except times and memory."""
    database = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    if database.execute("PRAGMA integrity_check").fetchone() != ("ok",):
        sys.exit(f"kill_study: {store} is damaged")
    out = {table: sorted(database.execute(f"SELECT * FROM {table}").fetchall(), key=repr) for table in TABLES}
    out["measurements"] = sorted(database.execute("SELECT unit, name, unit_of_measure, repetition FROM measurements"))
    database.close()
    return out


def start(program, study, folder):
    return subprocess.Popen([program, "study", study, "--output", folder, "--quiet"], stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, text=True)


def finish(process, folder):
    _, errors = process.communicate()
    if process.returncode != 0:
        sys.exit(f"kill_study: {folder}: exit status {process.returncode}: {errors}")


def compare(wanted, folder):
    found = records(folder / "study.db")
    for table, rows in wanted.items():
        if found[table] != rows:
            extra = [row for row in found[table] if row not in rows][:1]
            lacking = [row for row in rows if row not in found[table]][:1]
            sys.exit(f"kill_study: {folder}: {table} differs: has {extra}, lacks {lacking}")
    leftovers = [str(p) for p in folder.rglob("*.tmp*")]
    if any(name.startswith("study.db.tmp") for name in leftovers):
        sys.exit(f"kill_study: {folder}: left over: {leftovers}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--program", default=str(ROOT / "build/release/nibble"))
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="kill-study-") as work:
        work = pathlib.Path(work)
        study = work / "study.toml"
        study.write_text(STUDY.format(data=ROOT / "examples/demo"))
        began = time.monotonic()
        finish(start(options.program, study, work / "whole"), work / "whole")
        seconds = time.monotonic() - began
        wanted = records(work / "whole/study.db")
        n_killed, n_compared = 0, 0
        while n_killed < options.kills:
            folder = work / f"run{n_compared}"
            process = start(options.program, study, folder)
            try:
                process.wait(timeout=chance.uniform(0, seconds))
                finish(process, folder)
                compare(wanted, folder)
                n_compared += 1
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                n_killed += 1
        folder = work / f"run{n_compared}"
        finish(start(options.program, study, folder), folder)
        compare(wanted, folder)
        print(f"kill_study: killed {n_killed} times, {n_compared + 1} studies came to their end, all with the same "
              f"{len(wanted['samples'])} samples and {sum(map(len, wanted.values()))} records")


if __name__ == "__main__":
    main()
