#!/usr/bin/env python3
"""Fills a store with invented records, to measure the report: fill_store.py STORE VARIANTS TASKS SAMPLES

Answers are drawn at random with a fixed seed; nothing in it is a result.
"""
import hashlib
import pathlib
import random
import re
import sqlite3
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCHEMA = (ROOT / "src/store/schema.sql").read_text()
VERSION = int(re.search(r"kSchemaVersion = (\d+)", (ROOT / "src/store/store.h").read_text())[1])
APPLICATION_ID = 0x6E627374
RESPONSES = "[[-12.34567890123,false],[-22.345678901,false],[-12.545678901,false],[-15.345678901,false]]"
METRICS = ("acc", "acc_norm")


def hashed(text):
    return hashlib.sha256(text.encode()).hexdigest()


def add_unit(db, rng, unit, is_reference, n_samples):
    right = [int(rng.random() < 0.6) for _ in range(n_samples)]
    prompt = "Question: " + "x" * 700 + "\nAnswer:"
    db.executemany(
        "INSERT INTO samples VALUES (?,?,?,?,?,?,?,?,?,?,?)",
        [(unit, i, f"s{i}", prompt, "right", "choice", 0, 0, RESPONSES,
          "equal options" if rng.random() < 0.01 else "", 0.25) for i in range(n_samples)])
    share = sum(right) / n_samples
    compared = (None,) * 8 if is_reference else (share - 0.6, share - 0.7, share - 0.5, 0.3, 1.0, n_samples, 5, 4)
    for metric in METRICS:
        db.executemany("INSERT INTO scores VALUES (?,?,?,?,1)", [(unit, i, metric, x) for i, x in enumerate(right)])
        db.execute("INSERT INTO summaries VALUES (?,?,?,0,?,?,?,?,?,?,?,?,?,?,?)",
                   (unit, metric, n_samples, share, share - 0.05, share + 0.05, *compared))


def main(path, n_variants, n_tasks, n_samples):
    db = sqlite3.connect(path)
    db.executescript(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};" + SCHEMA)
    rng = random.Random(1)
    db.execute("INSERT INTO conditions VALUES ('study', 'invented', 1)")
    for t in range(n_tasks):
        task = hashed(f"task {t}")
        db.execute("INSERT INTO tasks VALUES (?,?,1,'0-shot','data',?)", (task, f"task_{t:02}", n_samples))
        for position, metric in enumerate(METRICS):
            db.execute("INSERT INTO metrics VALUES (?,?,?,'fraction',1,'identity')", (task, position, metric))
    for v in range(n_variants):
        variant = hashed(f"variant {v}")
        recipe = "none" if v == 0 else f"family{v % 7}-{v}"
        db.execute("INSERT INTO variants VALUES (?,?,?,'','',?,?,90000000,4.5,'1 x q4',NULL,NULL,NULL)",
                   (variant, f"variant-{v:03}", recipe, f"weights {v}", 100000000 - 10 * v))
        for t in range(n_tasks):
            unit = hashed(f"unit {v} {t}")
            db.execute("INSERT INTO units VALUES (?,?,?,'')", (unit, variant, hashed(f"task {t}")))
            db.execute("INSERT INTO plan VALUES (?,?)", (v * n_tasks + t, unit))
            add_unit(db, rng, unit, v == 0, n_samples)
    db.commit()


if __name__ == "__main__":
    main(sys.argv[1], *(int(text) for text in sys.argv[2:5]))
