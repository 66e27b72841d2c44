#!/usr/bin/env python3
"""A log-likelihood suite by nibble and by lm-evaluation-harness with Transformers: the same model file, documents and core.

    python3 -m venv env && env/bin/pip install 'lm-eval[hf]==0.4.13' gguf
    env/bin/python bench/compare_lm_eval.py --nibble build/release/nibble --model MODEL.gguf --data DATA
    env/bin/python bench/compare_lm_eval.py … --tasks suite --limit 200

The first --limit documents of each task, the first --pages pages of WikiText-2. --tasks suite: seven tasks, of which MMLU is four
subjects behind five solved examples with a quarter of the documents each. The two programs alternate; each runs as a process of its own on
one core with one thread. Prints CPU seconds of the whole process (start and loading included) and of the answers alone, and the
metrics of both. Transformers reads the same GGUF file, dequantized. --only nibble leaves the other out, to see how the time grows with --limit.
"""
import argparse
import csv
import gzip
import io
import json
import os
import re
import statistics
import sys
import time

from one_core import child

SUBJECTS = ("anatomy", "philosophy", "prehistory", "world_religions")
SUITE = ("arc_easy", "arc_challenge", "hellaswag", "piqa", "winogrande", "boolq", *(f"mmlu_{subject}_5shot" for subject in SUBJECTS))


def read_text(folder, *names):
    for name in names:
        for path, opener in ((f"{folder}/{name}", open), (f"{folder}/{name}.gz", gzip.open)):
            if os.path.exists(path):
                with opener(path, "rt", encoding="utf-8", newline="\n") as file:
                    return file.read()
    sys.exit(f"{folder}: wanted one of {', '.join(names)}")


def json_rows(data, folder, *names):
    # not splitlines(): texts hold other separators of lines
    return [json.loads(line) for line in read_text(f"{data}/{folder}", *names).split("\n") if line]


def arc_rows(data, folder):
    keys = ("id", "question", "choices", "answerKey")
    return [{key: row.get(key, row.get("answer")) for key in keys} for row in json_rows(data, folder, "test.jsonl")]


def boolq_rows(data):
    return [dict(row, label=int(row["answer"])) for row in json_rows(data, "boolq", "validation.jsonl", "dev.jsonl")]


def piqa_rows(data):
    labels = read_text(f"{data}/piqa", "valid-labels.lst").split()
    return [dict(row, label=int(label)) for row, label in zip(json_rows(data, "piqa", "valid.jsonl"), labels)]


def mmlu_rows(data, subject, split):
    for row in csv.reader(io.StringIO(read_text(f"{data}/mmlu/{split}", f"{subject}_{split}.csv"))):
        yield {"question": row[0], "subject": subject, "choices": row[1:5], "answer": "ABCD".index(row[5])}


def hellaswag_rows(data):
    """Six lines a row; the text keeps no split of the context, so the second part is empty."""
    lines = read_text(f"{data}/hellaswag", "hellaswag_val_full.txt").splitlines()
    for at in range(0, len(lines), 6):
        label, context = lines[at].split(": ", 1)
        yield {"activity_label": label, "ctx_a": context, "ctx_b": "", "ctx": context, "label": lines[at + 1],
               "endings": lines[at + 2:at + 6]}


def wikitext_rows(data):
    """Pages begin at " = Title = " lines."""
    text = read_text(f"{data}/wikitext2", "wiki.test.raw")
    for page in re.split(r"\n(?= = [^=][^\n]*[^=] = \n)", text):
        if page.strip():
            yield {"page": page}


# By the hub's name of the data set and of its part.
ROWS = {
    ("allenai/ai2_arc", "ARC-Easy"): lambda data: arc_rows(data, "arc_easy"),
    ("allenai/ai2_arc", "ARC-Challenge"): lambda data: arc_rows(data, "arc_challenge"),
    ("Rowan/hellaswag", None): hellaswag_rows,
    ("baber/piqa", None): piqa_rows,
    ("allenai/winogrande", "winogrande_xl"): lambda data: json_rows(data, "winogrande", "validation.jsonl", "dev.jsonl"),
    ("aps/super_glue", "boolq"): boolq_rows,
    ("EleutherAI/wikitext_document_level", "wikitext-2-raw-v1"): wikitext_rows,
}


def local_rows(args, path, name):
    """What the hub would send, cut to the documents that are asked."""
    import datasets

    def rows(every, limit):
        return datasets.Dataset.from_list(list(every)[:limit])

    if path == "cais/mmlu":
        return datasets.DatasetDict({"test": rows(mmlu_rows(args.data, name, "test"), args.limit // len(SUBJECTS)),
                                     "dev": rows(mmlu_rows(args.data, name, "dev"), None)})
    limit = args.pages if "wikitext" in path else args.limit
    part = rows(ROWS[path, name](args.data), limit)
    return datasets.DatasetDict({"train": part, "validation": part, "test": part})


def lm_eval_tasks(names):
    from lm_eval.tasks import TaskManager, get_task_dict

    shots = {name.removesuffix("_5shot"): 5 if name.endswith("_5shot") else 0 for name in names}
    tasks = get_task_dict(list(shots), TaskManager())
    for name, task in tasks.items():
        task.set_config(key="num_fewshot", value=shots[name])
    return tasks


def run_lm_eval(args):
    """The child: prints one JSON line."""
    import datasets
    import torch

    datasets.load_dataset = lambda path=None, name=None, **_: local_rows(args, path, name)
    from lm_eval import evaluator
    from lm_eval.models.huggingface import HFLM

    torch.set_num_threads(1)
    folder, file = os.path.split(os.path.abspath(args.model))
    model = HFLM(pretrained=folder, gguf_file=file, dtype=args.dtype, device="cpu", batch_size=args.batch,
                 max_length=args.context)
    tasks = lm_eval_tasks(args.tasks)
    start = time.process_time()
    results = evaluator.evaluate(lm=model, task_dict=tasks, bootstrap_iters=0)["results"]
    seconds = time.process_time() - start
    metrics = {task: {key.split(",")[0]: value for key, value in row.items() if key.endswith(",none") and "stderr" not in key}
               for task, row in results.items()}
    print(json.dumps({"answers": seconds, "metrics": metrics}))


def nibble_round(args, arithmetic):
    seconds, metrics = 0.0, {}
    groups = {}
    for name in args.tasks:
        limit = args.pages if name == "wikitext" else args.limit // len(SUBJECTS) if name.startswith("mmlu") else args.limit
        groups.setdefault(limit, []).append(name)
    for limit, names in groups.items():
        used, out = child([args.nibble, "eval", args.model, "-t", ",".join(names), "-d", args.data, "-L", str(limit),
                           "--window", str(args.context), "--arithmetic", arithmetic, "--threads", "1", "--json", "-q"],
                          args.core)
        seconds += used
        for task in json.loads(out)["tasks"]:
            metrics[task["task"].removesuffix("_5shot")] = {row["name"]: row["value"] for row in task["metrics"]}
    return seconds, metrics


def lm_eval_round(args, dtype):
    command = [sys.executable, os.path.abspath(__file__), "--child", "--dtype", dtype]
    for name in ("model", "data", "limit", "pages", "batch", "context"):
        command += [f"--{name}", str(getattr(args, name))]
    command += ["--tasks", ",".join(args.tasks)]
    seconds, out = child(command, args.core)
    result = json.loads(out.strip().splitlines()[-1])
    return seconds, result["answers"], result["metrics"]


def spread(values):
    return f"{min(values):.1f} / {statistics.median(values):.1f} / {max(values):.1f}"


def compare(args):
    runs = {}
    for number in range(args.rounds):
        for arithmetic in args.arithmetic.split(","):
            seconds, metrics = nibble_round(args, arithmetic)
            runs.setdefault(f"nibble, {arithmetic}", []).append((seconds, seconds, metrics))
        for dtype in args.dtype.split(",") if args.only is None else ():
            runs.setdefault(f"lm-eval, {dtype}, batch {args.batch}", []).append(lm_eval_round(args, dtype))
        print(f"round {number + 1}: " + "; ".join(f"{name} {rows[-1][0]:.1f} s" for name, rows in runs.items()), flush=True)
    print("\n| Program | CPU s, whole process | answers alone |\n|---|---|---|")
    for name, rows in runs.items():
        print(f"| {name} | {spread([row[0] for row in rows])} | {spread([row[1] for row in rows])} |")
    tasks = [name.removesuffix("_5shot") for name in args.tasks]
    print(f"\n| Program | {' | '.join(tasks)} |\n|---|{'---|' * len(tasks)}")
    for name, rows in runs.items():
        print(f"| {name} | {' | '.join(shown(rows[-1][2][task]) for task in tasks)} |")


def shown(metrics):
    return ", ".join(f"{metrics[key]:.4f}" for key in ("acc", "acc_norm", "word_perplexity") if key in metrics)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nibble", default="build/release/nibble")
    parser.add_argument("--model", required=True, help="a GGUF file that both programs read")
    parser.add_argument("--data", required=True, help="folder of the data sets, as nibble eval wants it")
    parser.add_argument("--tasks", default="arc_easy,hellaswag,wikitext", help="names with commas, or: suite")
    parser.add_argument("--limit", type=int, default=100, help="documents of each task")
    parser.add_argument("--pages", type=int, default=4, help="pages of WikiText-2")
    parser.add_argument("--context", type=int, default=2048, help="longest window of a page")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--batch", type=int, default=1, help="batch size of lm-eval")
    parser.add_argument("--dtype", default="bfloat16", help="of Transformers; several with commas")
    parser.add_argument("--arithmetic", default="deterministic", help="of nibble; several with commas")
    parser.add_argument("--only", choices=("nibble",), help="run one of the two")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.tasks = list(SUITE) if args.tasks == "suite" else args.tasks.split(",")
    run_lm_eval(args) if args.child else compare(args)


if __name__ == "__main__":
    main()
