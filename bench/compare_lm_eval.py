#!/usr/bin/env python3
"""A log-likelihood suite by nibble and by lm-evaluation-harness with Transformers: the same model file, documents and core.

    python3 -m venv env && env/bin/pip install 'lm-eval[hf]==0.4.13' gguf
    env/bin/python bench/compare_lm_eval.py --nibble build/release/nibble --model MODEL.gguf --data DATA

ARC-Easy and HellaSwag (the first --limit documents) and WikiText-2 by page (the first --pages pages). The two programs
alternate; each runs as a process of its own on one core with one thread. Prints CPU seconds of the whole process (start and
loading included) and of the answers alone, and the metrics of both. Transformers reads the same GGUF file, dequantized.
"""
import argparse
import gzip
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time

TASKS = {"arc_easy": "limit", "hellaswag": "limit", "wikitext": "pages"}


def read_text(folder, *names):
    for name in names:
        for path, opener in ((f"{folder}/{name}", open), (f"{folder}/{name}.gz", gzip.open)):
            if os.path.exists(path):
                with opener(path, "rt", encoding="utf-8", newline="\n") as file:
                    return file.read()
    sys.exit(f"{folder}: wanted one of {', '.join(names)}")


def arc_rows(data):
    keys = ("id", "question", "choices", "answerKey")
    for line in read_text(f"{data}/arc_easy", "test.jsonl").splitlines():
        row = json.loads(line)
        yield {key: row.get(key, row.get("answer")) for key in keys}


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


ROWS = {"arc_easy": arc_rows, "hellaswag": hellaswag_rows, "wikitext": wikitext_rows}


def run_lm_eval(args):
    """The child: prints one JSON line."""
    import datasets
    import torch
    from lm_eval import evaluator
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager, get_task_dict

    def local_rows(path=None, name=None, **_):
        task = {"allenai/ai2_arc": "arc_easy", "Rowan/hellaswag": "hellaswag"}.get(path, "wikitext")
        rows = datasets.Dataset.from_list(list(ROWS[task](args.data))[:getattr(args, TASKS[task])])
        return datasets.DatasetDict({"train": rows, "validation": rows, "test": rows})

    datasets.load_dataset = local_rows
    torch.set_num_threads(1)
    folder, file = os.path.split(os.path.abspath(args.model))
    model = HFLM(pretrained=folder, gguf_file=file, dtype=args.dtype, device="cpu", batch_size=args.batch,
                 max_length=args.context)
    tasks = get_task_dict(list(TASKS), TaskManager())
    start = time.process_time()
    results = evaluator.evaluate(lm=model, task_dict=tasks, bootstrap_iters=0)["results"]
    seconds = time.process_time() - start
    metrics = {task: {key.split(",")[0]: value for key, value in row.items() if key.endswith(",none") and "stderr" not in key}
               for task, row in results.items()}
    print(json.dumps({"answers": seconds, "metrics": metrics}))


def child(command, core):
    """CPU seconds of a process with all its threads, and what it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    env = dict(os.environ, OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
    done = subprocess.run(["taskset", "-c", str(core), *command], env=env, stdout=subprocess.PIPE, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime), done.stdout


def nibble_round(args, arithmetic):
    seconds, metrics = 0.0, {}
    for names, limit in ((["arc_easy", "hellaswag"], args.limit), (["wikitext"], args.pages)):
        used, out = child([args.nibble, "eval", args.model, "-t", ",".join(names), "-d", args.data, "-L", str(limit),
                           "--window", str(args.context), "--arithmetic", arithmetic, "--threads", "1", "--json", "-q"],
                          args.core)
        seconds += used
        for task in json.loads(out)["tasks"]:
            metrics[task["task"]] = {row["name"]: row["value"] for row in task["metrics"]}
    return seconds, metrics


def lm_eval_round(args, dtype):
    command = [sys.executable, os.path.abspath(__file__), "--child", "--dtype", dtype]
    for name in ("model", "data", "limit", "pages", "batch", "context"):
        command += [f"--{name}", str(getattr(args, name))]
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
        for dtype in args.dtype.split(","):
            runs.setdefault(f"lm-eval, {dtype}, batch {args.batch}", []).append(lm_eval_round(args, dtype))
        print(f"round {number + 1}: " + "; ".join(f"{name} {rows[-1][0]:.1f} s" for name, rows in runs.items()), flush=True)
    print("\n| Program | CPU s, whole process | answers alone | arc_easy acc, acc_norm | hellaswag acc, acc_norm | word perplexity |")
    print("|---|---|---|---|---|---|")
    for name, rows in runs.items():
        metrics = rows[-1][2]
        choices = [f"{metrics[task]['acc']:.3f}, {metrics[task]['acc_norm']:.3f}" for task in ("arc_easy", "hellaswag")]
        print(f"| {name} | {spread([row[0] for row in rows])} | {spread([row[1] for row in rows])} | {' | '.join(choices)} | "
              f"{metrics['wikitext']['word_perplexity']:.4f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nibble", default="build/release/nibble")
    parser.add_argument("--model", required=True, help="a GGUF file that both programs read")
    parser.add_argument("--data", required=True, help="folder of the data sets, as nibble eval wants it")
    parser.add_argument("--limit", type=int, default=100, help="documents of ARC-Easy and of HellaSwag")
    parser.add_argument("--pages", type=int, default=4, help="pages of WikiText-2")
    parser.add_argument("--context", type=int, default=2048, help="longest window of a page")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--batch", type=int, default=1, help="batch size of lm-eval")
    parser.add_argument("--dtype", default="bfloat16", help="of Transformers; several with commas")
    parser.add_argument("--arithmetic", default="deterministic", help="of nibble; several with commas")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    run_lm_eval(args) if args.child else compare(args)


if __name__ == "__main__":
    main()
