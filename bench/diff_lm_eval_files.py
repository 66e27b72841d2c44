#!/usr/bin/env python3
"""The files that lm-evaluation-harness and nibble write of the same model and documents, compared field by field.

    python3 -m venv env && env/bin/pip install 'lm-eval[hf]==0.4.13' gguf
    env/bin/python bench/diff_lm_eval_files.py --nibble build/release/nibble --model MODEL.gguf --data DATA --output OUT

Rows of the data folder are written in the hub's columns below OUT/data, and both programs read those. lm-eval runs through
simple_evaluate and its own EvaluationTracker, Transformers in float32 on the dequantized GGUF file; nibble in `f32` arithmetic.
Prints, for results_*.json and samples_*.jsonl, how many values of each field are equal, and what is not: texts as they are, numbers
with their largest difference. OUT keeps both programs' files; with --compare-only they are compared again.
"""
import argparse
import collections
import csv
import glob
import io
import json
import math
import os
import re
import subprocess
import sys

from compare_lm_eval import arc_rows, json_rows, piqa_rows, read_text

# Runs of one limit each: name, limit, tasks. Names are lm-eval's and nibble's.
CASES = (
    ("choices", 6, ("arc_easy", "winogrande", "piqa", "boolq", "openbookqa", "truthfulqa_mc1", "truthfulqa_mc2", "lambada_openai")),
    ("answers", 2, ("nq_open", "triviaqa", "gsm8k")),
    ("subjects", 1, ("mmlu",)),
)
FREE = {"git_hash", "date", "pretty_env_info", "transformers_version", "upper_git_hash", "total_evaluation_time_seconds", "nibble"}


def truthful_rows(data):
    for row in json.loads(read_text(f"{data}/truthfulqa", "mc_task.json")):
        yield {"question": row["question"], **{key: {"choices": list(row[key]), "labels": list(row[key].values())}
                                               for key in ("mc1_targets", "mc2_targets")}}


def trivia_rows(data):
    for row in json_rows(data, "triviaqa", "triviaqa_sm_sub.jsonl"):
        question = row["context"].removeprefix("Question: ").removesuffix("\nAnswer:")
        aliases = row.get("aliases") or [row["continuation"]]
        yield {"question": question, "answer": {"aliases": list(aliases), "value": aliases[0]}}


def mmlu_rows(data, subject, split):
    for row in csv.reader(io.StringIO(read_text(f"{data}/mmlu/{split}", f"{subject}_{split}.csv"))):
        yield {"question": row[0], "subject": subject, "choices": row[1:5], "answer": "ABCD".index(row[5])}


def subjects(data):
    names = (os.path.basename(path) for path in glob.glob(f"{data}/mmlu/test/*_test.csv*"))
    return sorted(re.sub(r"_test\.csv(\.gz)?$", "", name) for name in names)


def hub_rows(data):
    """Files in the hub's columns, by the hub's name and part of the set."""
    boolq = [{"question": row["question"], "passage": row["passage"], "idx": at, "label": int(row["answer"])}
             for at, row in enumerate(json_rows(data, "boolq", "dev.jsonl"))]
    texts = [{"text": f"{row['context']} {row['continuation']}"} for row in json_rows(data, "lambada", "lambada_openai.jsonl")]
    sets = {
        ("allenai/ai2_arc", "ARC-Easy"): ("arc_easy", {"test": arc_rows(data, "arc_easy")}),
        ("allenai/winogrande", "winogrande_xl"): ("winogrande", {"validation": json_rows(data, "winogrande", "dev.jsonl")}),
        ("baber/piqa", None): ("piqa", {"validation": piqa_rows(data)}),
        ("aps/super_glue", "boolq"): ("boolq", {"validation": boolq}),
        ("allenai/openbookqa", "main"): ("openbookqa", {"test": json_rows(data, "openbookqa", "test.jsonl")}),
        ("truthfulqa/truthful_qa", "multiple_choice"): ("truthfulqa", {"validation": list(truthful_rows(data))}),
        ("EleutherAI/lambada_openai", "default"): ("lambada", {"test": texts}),
        ("google-research-datasets/nq_open", None): ("nq_open", {"validation": json_rows(data, "nq_open", "NQ-open.dev.jsonl")}),
        ("mandarjoshi/trivia_qa", "rc.nocontext"): ("triviaqa", {"validation": list(trivia_rows(data))}),
        ("openai/gsm8k", "main"): ("gsm8k", {split: json_rows(data, "gsm8k", f"{split}.jsonl") for split in ("test", "train")}),
    }
    for subject in subjects(data):
        sets["cais/mmlu", subject] = (f"mmlu/{subject}", {split: list(mmlu_rows(data, subject, split)) for split in ("test", "dev")})
    return sets


def write_rows(args):
    for folder, splits in hub_rows(args.data).values():
        os.makedirs(f"{args.output}/data/{folder}", exist_ok=True)
        for split, rows in splits.items():
            with open(f"{args.output}/data/{folder}/{split}.jsonl", "w", encoding="utf-8") as out:
                out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def local_set(args, path, name):
    """Sets of one split have it under every name that lm-eval may look for."""
    import datasets

    folder, splits = hub_rows(args.data)[path, name]
    parts = {split: datasets.Dataset.from_json(f"{args.output}/data/{folder}/{split}.jsonl") for split in splits}
    for split in ("train", "validation", "test"):
        parts.setdefault(split, next(iter(parts.values())))
    return datasets.DatasetDict(parts)


def run_lm_eval(args):
    import datasets

    datasets.load_dataset = lambda path=None, name=None, **_: local_set(args, path, name)
    from lm_eval import evaluator
    from lm_eval.loggers import EvaluationTracker

    folder, file = os.path.split(os.path.abspath(args.model))
    for case, limit, tasks in CASES:
        tracker = EvaluationTracker(output_path=f"{args.output}/lm_eval/{case}")
        results = evaluator.simple_evaluate(model="hf", model_args={"pretrained": folder, "gguf_file": file, "dtype": "float32"},
                                            tasks=list(tasks), batch_size=1, device="cpu", limit=limit, log_samples=True,
                                            bootstrap_iters=100000, evaluation_tracker=tracker)
        samples = results.pop("samples")
        tracker.save_results_aggregated(results=results, samples=samples)
        for name in results["configs"]:
            tracker.save_results_samples(task_name=name, samples=samples[name])


def run_nibble(args):
    for case, limit, tasks in CASES:
        subprocess.run([args.nibble, "eval", args.model, "-t", ",".join(tasks), "-d", f"{args.output}/data", "-L", str(limit),
                        "--arithmetic", "f32", "-o", f"{args.output}/nibble/{case}", "-q"], check=True, stdout=subprocess.DEVNULL)


def newest(folder):
    """The results of a run, and its samples by task and by document and filter."""
    path = sorted(glob.glob(f"{folder}/*/results_*.json"))[-1]
    time = os.path.basename(path).removeprefix("results_").removesuffix(".json")
    samples = {}
    for file in glob.glob(f"{glob.escape(os.path.dirname(path))}/samples_*_{time}.jsonl"):
        task = os.path.basename(file).removeprefix("samples_").removesuffix(f"_{time}.jsonl")
        with open(file, encoding="utf-8") as lines:
            samples[task] = {(line["doc_id"], line["filter"]): line for line in map(json.loads, lines)}
    with open(path, encoding="utf-8") as file:
        return json.load(file), samples


class Diff:
    """Counts equal values by field and keeps what is not equal."""

    def __init__(self):
        self.equal = collections.Counter()
        self.other = collections.defaultdict(list)

    def add(self, field, theirs, ours):
        if isinstance(theirs, dict) and isinstance(ours, dict):
            for key in theirs | ours:
                if key in FREE:
                    continue
                self.add(f"{field}.{key}", theirs.get(key, "(absent)"), ours.get(key, "(absent)"))
        elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
            for one, two in zip(theirs, ours):
                self.add(field, one, two)
        elif theirs == ours:
            self.equal[field] += 1
        else:
            self.other[field].append((theirs, ours))

    def lines(self):
        for field in sorted(self.equal.keys() | self.other.keys()):
            differing = self.other.get(field, [])
            gaps = [abs(as_number(one) - as_number(two)) for one, two in differing]
            note = "" if not differing else (
                f"largest difference {max(gaps):.1e}" if not any(map(math.isnan, gaps)) else
                "; ".join(sorted({f"lm-eval {short(one)}, nibble {short(two)}" for one, two in differing})[:3]))
            yield field, self.equal.get(field, 0), len(differing), note


def as_number(value):
    try:
        return float(value) if not isinstance(value, bool) else math.nan
    except (TypeError, ValueError):
        return math.nan


def short(value):
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) < 60 else text[:57] + "…"


def generic(field, names):
    """A task's name in a field as TASK, so that all tasks count for one field."""
    return ".".join("TASK" if part in names else part for part in field.split("."))


def compare(args):
    for title, pick in (("results_*.json", 0), ("samples_*.jsonl", 1)):
        diff = Diff()
        for case, _, _ in CASES:
            theirs, ours = newest(f"{args.output}/lm_eval/{case}"), newest(f"{args.output}/nibble/{case}")
            names = set(theirs[0]["results"]) | set(ours[0]["results"])
            if pick == 0:
                one = Diff()
                one.add("", theirs[0], ours[0])
                for field, n in one.equal.items():
                    diff.equal[generic(field, names)] += n
                for field, pairs in one.other.items():
                    diff.other[generic(field, names)] += pairs
                continue
            print(f"{case}: sample files {'the same' if theirs[1].keys() == ours[1].keys() else 'differ'}, {len(theirs[1])} and {len(ours[1])}")
            for task in theirs[1].keys() & ours[1].keys():
                if theirs[1][task].keys() != ours[1][task].keys():
                    print(f"{task}: other documents or filters")
                for key in theirs[1][task].keys() & ours[1][task].keys():
                    diff.add("", theirs[1][task][key], ours[1][task][key])
        print(f"\n{title}\n\n| Field | Equal | Not | What |\n|---|---|---|---|")
        for field, equal, other, note in diff.lines():
            if other or not field.startswith((".doc.", ".configs.")):
                print(f"| `{field.lstrip('.')}` | {equal} | {other} | {note} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nibble", default="build/release/nibble")
    parser.add_argument("--model", required=True, help="a GGUF file that both programs read")
    parser.add_argument("--data", required=True, help="folder of the data sets, as nibble eval wants it")
    parser.add_argument("--output", required=True, help="folder for both programs' files")
    parser.add_argument("--compare-only", action="store_true", help="compare what is there")
    parser.add_argument("--only", choices=("lm_eval", "nibble"), help="run one of the two")
    args = parser.parse_args()
    if not args.compare_only:
        write_rows(args)
        if args.only != "nibble":
            run_lm_eval(args)
        if args.only != "lm_eval":
            run_nibble(args)
    if args.only is None:
        compare(args)


if __name__ == "__main__":
    sys.exit(main())
