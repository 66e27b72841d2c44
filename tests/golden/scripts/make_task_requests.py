#!/usr/bin/env python3
"""Writes requests of lm-evaluation-harness for tasks that the shared golden files lack, and of chats, into tests/golden/eval.

The task objects are lm_eval's own; their data sets are replaced by local rows with the hub's column names. Where the train split is
not local the evaluated rows stand for it, and lm_eval leaves the evaluated row out. A line: doc_id, requests, target. Files with answers and scores
come from make_task_scores.py.

    python tests/golden/scripts/make_task_requests.py DATA TEMPLATE    # needs lm_eval 0.4.13; TEMPLATE: a chat template's text
"""
import gzip
import json
import pathlib
import sys

import datasets
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = pathlib.Path(__file__).resolve().parent.parent / "eval"
DATA = pathlib.Path(sys.argv[1])
N = 20


def rows(path):
    path = DATA / path
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def piqa_rows():
    labels = (DATA / "piqa/valid-labels.lst").read_text().split()
    return [dict(row, label=int(label)) for row, label in zip(rows("piqa/valid.jsonl.gz"), labels)]


LOCAL = {
    "lighteval/siqa": lambda: {"validation": rows("social_iqa/validation.jsonl.gz"), "train": rows("social_iqa/validation.jsonl.gz")},
    "tau/commonsense_qa": lambda: {"validation": rows("commonsense_qa/validation.jsonl.gz"), "train": rows("commonsense_qa/validation.jsonl.gz")},
    "openai/gsm8k": lambda: {"test": rows("gsm8k/test.jsonl"), "train": rows("gsm8k/train.jsonl.gz")},
    "allenai/ai2_arc": lambda: {"test": rows("arc_easy/test.jsonl.gz"), "validation": rows("arc_easy/validation.jsonl.gz"), "train": rows("arc_easy/validation.jsonl.gz")},
    "baber/piqa": lambda: {"validation": piqa_rows(), "train": piqa_rows()},
    "allenai/winogrande": lambda: {"validation": rows("winogrande/dev.jsonl.gz"), "train": rows("winogrande/dev.jsonl.gz")},
}


def load_dataset(path=None, name=None, **_):
    return datasets.DatasetDict({split: datasets.Dataset.from_list(one) for split, one in LOCAL[path]().items()})


datasets.load_dataset = load_dataset
from lm_eval.tasks import TaskManager  # noqa: E402  (after the replacement)

ENV = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols])
TEMPLATE = ENV.from_string(pathlib.Path(sys.argv[2]).read_text())


def chat(messages, add_generation_prompt=True):
    return TEMPLATE.render(messages=messages, add_generation_prompt=add_generation_prompt)


# file, task, shots, settings of a chat
CASES = [
    ("social_iqa_5shot", "social_iqa", 5, None),
    ("commonsense_qa_7shot", "commonsense_qa", 7, None),
    ("chat_arc_easy_2shot", "arc_easy", 2, {"multiturn": True, "system": None}),
    ("chat_winogrande_2shot", "winogrande", 2, {"multiturn": True, "system": "Complete the sentence."}),
    ("chat_gsm8k_5shot", "gsm8k", 5, {"multiturn": False, "system": "Think step by step."}),
    ("chat_piqa_0shot", "piqa", 0, {"multiturn": False, "system": None}),
]


def main():
    manager = TaskManager()
    for file, name, shots, settings in CASES:
        loaded = manager.load([name])
        task = loaded["tasks"][name] if "tasks" in loaded else loaded[name]
        task.set_config(key="num_fewshot", value=shots)
        task.set_fewshot_seed(1234)
        extra = {}
        if settings:
            extra = {"apply_chat_template": True, "fewshot_as_multiturn": settings["multiturn"], "system_instruction": settings["system"],
                     "chat_template": chat}
        task.build_all_requests(limit=N if not settings else 5, **extra)
        lines = {}
        for one in task.instances:
            line = lines.setdefault(one.doc_id, {"doc_id": one.doc_id, "requests": [], "target": task.doc_to_target(one.doc)})
            request = {"type": one.request_type, "context": one.args[0]}
            if one.request_type == "loglikelihood":
                request["continuation"] = one.args[1]
            else:
                request["gen_kwargs"] = one.args[1]
            line["requests"].append(request)
        with open(HERE / f"{file}.jsonl", "w", encoding="utf-8") as out:
            for line in lines.values():
                out.write(json.dumps(line, ensure_ascii=False) + "\n")
        print(file, len(lines))


if __name__ == "__main__":
    main()
