#!/usr/bin/env python3
"""Prefill of a BF16 model by nibble and by Hugging Face Transformers, one thread, CPU time, the two programs alternating.

    python3 -m venv env && env/bin/pip install torch transformers gguf
    env/bin/python bench/beside_transformers.py --nibble build/release/nibble [--rounds 10] MODEL.bf16.gguf

One prompt without padding, logits of its last token only, on both sides; loading and a first run are not counted.
Prints min / median / max in tok/s and the ratio of the medians.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time


def transformers_child(model, prompt):
    import torch
    import transformers

    torch.set_num_threads(1)
    path = pathlib.Path(model).resolve()
    network = transformers.AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.bfloat16)
    tokens = torch.arange(1000, 1000 + prompt)[None, :]
    with torch.inference_mode():
        network(tokens, logits_to_keep=1)
        start = time.process_time()
        network(tokens, logits_to_keep=1)
        print(json.dumps({"tok_s": prompt / (time.process_time() - start)}))


def measure(command, clock=None):
    environment = dict(os.environ, OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", HF_HUB_OFFLINE="1")
    if clock:
        environment["LD_PRELOAD"] = clock
    done = subprocess.run(list(map(str, command)), env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.strip().splitlines()[-1] if clock is None else done.stdout)


def spread(values):
    return f"{min(values):.0f} / {statistics.median(values):.0f} / {max(values):.0f}"


def compare(options):
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        clock = f"{folder}/cpu_clock.so"
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", pathlib.Path(__file__).parent / "cpu_clock.c", "-o", clock], check=True)
        for _ in range(options.rounds):
            result = measure([options.nibble, "bench", options.model, "-t", 1, "-p", options.prompt, "-n", 0, "-r", 1,
                              "--json"], clock)
            ours.append(result["tests"][0]["mean_tok_s"])
            theirs.append(measure([sys.executable, __file__, "--child", options.model, "--prompt", options.prompt])["tok_s"])
    print("| Test | nibble | Transformers, bfloat16 | Ratio |\n|---|---|---|---:|")
    print(f"| pp{options.prompt} | {spread(ours)} | {spread(theirs)} | {statistics.median(ours) / statistics.median(theirs):.2f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nibble", type=pathlib.Path, default="build/release/nibble")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("model")
    options = parser.parse_args()
    if options.child:
        transformers_child(options.model, options.prompt)
    else:
        compare(options)


if __name__ == "__main__":
    main()
