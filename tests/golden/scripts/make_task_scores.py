#!/usr/bin/env python3
"""Answers and scores of lm-evaluation-harness for golden files that had requests only, and squad_completion as a whole.

The task objects, HFLM and the scores are lm_eval's own. HFLM reads the demo model's GGUF file, dequantized to float32; batch 1,
max_length 8192, answers of at most 64 tokens. squad_completion's set is not local: its rows are made of SQuAD v1.1 (`text`: the
passage up to the first answer, `value`: that answer; the first question of a passage whose answer is not at its beginning) and
written to tests/golden/eval/data. A line: doc_id, requests with answers, target, metrics by filter, filtered texts.

    python tests/golden/scripts/make_task_scores.py DATA MODEL.gguf    # needs lm_eval 0.4.13 with Transformers, and gguf
"""
import gzip
import json
import os
import pathlib
import sys

import datasets
import torch

HERE = pathlib.Path(__file__).resolve().parent.parent / "eval"
DATA, MODEL = pathlib.Path(sys.argv[1]), sys.argv[2]
N, MOST_TOKENS = 20, 64
ROWS = HERE / "data/squad_completion/validation.jsonl"


def rows(path):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def completion_rows():
    with open(DATA / "squad/dev-v1.1.json", encoding="utf-8") if (DATA / "squad/dev-v1.1.json").exists() else gzip.open(
            DATA / "squad/dev-v1.1.json.gz", "rt", encoding="utf-8") as file:
        articles = json.load(file)["data"]
    out = []
    for paragraph in (one for article in articles for one in article["paragraphs"]):
        for question in paragraph["qas"]:
            answer = question["answers"][0]
            if answer["answer_start"] > 100:
                out.append({"doc_id": question["id"], "text": paragraph["context"][:answer["answer_start"]], "value": answer["text"]})
                break
    return out[:N]


def local(path):
    if path == "hazyresearch/based-squad":
        return {"validation": rows(ROWS)}
    if path == "openai/gsm8k":
        return {"test": rows(DATA / "gsm8k/test.jsonl"), "train": rows(DATA / "gsm8k/train.jsonl.gz")}
    folder = {"lighteval/siqa": "social_iqa", "tau/commonsense_qa": "commonsense_qa"}[path]
    one = rows(DATA / folder / "validation.jsonl.gz")
    return {"validation": one, "train": one}


datasets.load_dataset = lambda path=None, name=None, **_: datasets.DatasetDict(
    {split: datasets.Dataset.from_list(one) for split, one in local(path).items()})
from lm_eval.models.huggingface import HFLM  # noqa: E402  (after the replacement)
from lm_eval.tasks import TaskManager  # noqa: E402

# file, task, shots, documents with requests, of these with scores
CASES = [
    ("commonsense_qa_0shot", "commonsense_qa", 0, N, 10),
    ("social_iqa_0shot", "social_iqa", 0, N, 10),
    ("squad_completion_0shot", "squad_completion", 0, N, 3),
    ("gsm8k_cot_8shot", "gsm8k_cot", 8, N, 3),
]


def request_of(instance):
    out = {"type": instance.request_type, "context": instance.args[0]}
    if instance.request_type == "loglikelihood":
        out["continuation"] = instance.args[1]
    else:
        out["gen_kwargs"] = instance.args[1]
        out["max_gen_toks_used"] = MOST_TOKENS
    return out


def answer(model, instance):
    if instance.request_type == "loglikelihood":
        value = model.loglikelihood([instance], disable_tqdm=True)[0]
        return value, {"loglikelihood": float(value[0]), "is_greedy": bool(value[1])}
    settings = dict(instance.args[1], max_gen_toks=MOST_TOKENS)
    asked = instance.arguments
    instance.arguments = (asked[0], settings)
    value = model.generate_until([instance], disable_tqdm=True)[0]
    instance.arguments = asked
    return value, {"generated": value}


def scored_lines(task, model, n_scored):
    lines = {}
    for one in task.instances:
        line = lines.setdefault(one.doc_id, {"doc_id": one.doc_id, "requests": [], "target": task.doc_to_target(one.doc)})
        line["requests"].append(request_of(one))
        if one.doc_id < n_scored:
            value, shown = answer(model, one)
            one.resps.append(value)
            line["requests"][-1].update(shown)
    task._instances = [one for one in task.instances if one.doc_id < n_scored]
    task.apply_filters()
    for doc_id in range(n_scored):
        ours = sorted((one for one in task.instances if one.doc_id == doc_id), key=lambda one: one.idx)
        line = lines[doc_id]
        line["metrics"], line["filtered"] = {}, {}
        for name in ours[0].filtered_resps:
            line["metrics"][name] = {key: float(value) for key, value in task.process_results(
                ours[0].doc, [one.filtered_resps[name] for one in ours]).items()}
            if ours[0].request_type == "generate_until":
                line["filtered"][name] = ours[0].filtered_resps[name]
    return lines.values()


def main():
    ROWS.parent.mkdir(parents=True, exist_ok=True)
    ROWS.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in completion_rows()), encoding="utf-8")
    torch.set_num_threads(1)
    folder, file = os.path.split(os.path.abspath(MODEL))
    model = HFLM(pretrained=folder, gguf_file=file, dtype="float32", device="cpu", batch_size=1, max_length=8192)
    manager = TaskManager()
    index_file = HERE / "tasks_index.json"
    index = json.loads(index_file.read_text())
    for file, name, shots, n_docs, n_scored in CASES:
        task = manager.load([name])["tasks"][name]
        task.set_config(key="num_fewshot", value=shots)
        task.set_fewshot_seed(1234)
        task.build_all_requests(limit=n_docs)
        with open(HERE / f"{file}.jsonl", "w", encoding="utf-8") as out:
            for line in scored_lines(task, model, n_scored):
                out.write(json.dumps(line, ensure_ascii=False) + "\n")
        index[file] = {"task": name, "num_fewshot": shots, "docs": n_docs, "scored_docs": n_scored,
                       "note": "by tests/golden/scripts/make_task_scores.py"}
        print(file, flush=True)
    index_file.write_text(json.dumps(index, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
