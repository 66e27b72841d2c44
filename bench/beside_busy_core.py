#!/usr/bin/env python3
"""Two threads while another process holds one of two cores, against one thread; wall time, nibble and llama.cpp in turn.

usage: bench/beside_busy_core.py --nibble build/release/nibble --peer LLAMA_CPP/build/bin [--rounds 10] MODEL.gguf

Prints the medians in tok/s and, round by round, what two threads gain over one. Wants cores 0 and 1 quiet otherwise.
"""
import argparse
import json
import pathlib
import statistics
import subprocess

PROMPT, GENERATE = 128, 16


def measure(program, options, threads):
    if program == "nibble":
        command = [options.nibble, "bench", options.model, "--json"]
    else:
        command = [options.peer / "llama-bench", "-m", options.model, "-o", "json"]
    command += ["-t", threads, "-p", PROMPT, "-n", GENERATE, "-r", 1]
    out = subprocess.run(["taskset", "-c", "0,1", *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                         text=True, check=True).stdout
    if program == "nibble":
        return [test["mean_tok_s"] for test in json.loads(out)["tests"]]
    return [test["avg_ts"] for test in json.loads(out)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nibble", type=pathlib.Path, default="build/release/nibble")
    parser.add_argument("--peer", type=pathlib.Path, required=True, help="folder of llama-bench")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("model")
    options = parser.parse_args()
    busy = subprocess.Popen(["taskset", "-c", "1", "sh", "-c", "while :; do :; done"])
    rounds = {}
    try:
        for _ in range(options.rounds):
            for program in ("nibble", "llama.cpp"):
                for threads in (1, 2):
                    rounds.setdefault((program, threads), []).append(measure(program, options, threads))
    finally:
        busy.kill()
    print("| Program | Test | 1 thread | 2 threads | 2 over 1, min / median / max |\n|---|---|---:|---:|---|")
    for program in ("nibble", "llama.cpp"):
        for at, test in enumerate((f"pp{PROMPT}", f"tg{GENERATE}")):
            one, two = ([rates[at] for rates in rounds[program, threads]] for threads in (1, 2))
            gains = [b / a for a, b in zip(one, two)]
            print(f"| {program} | {test} | {statistics.median(one):.0f} | {statistics.median(two):.0f} | "
                  f"{min(gains):.2f} / {statistics.median(gains):.2f} / {max(gains):.2f} |")


if __name__ == "__main__":
    main()
