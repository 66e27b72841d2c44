#!/usr/bin/env python3
"""From the start of the program to the first token of an answer: CPU time and peak memory of nibble and llama.cpp in turn.

usage: bench/start_to_first_token.py --nibble build/release/nibble --peer LLAMA_CPP/build/bin [--rounds 10] MODEL.gguf

The file is in the page cache; one thread; user and system time of the whole process. Prints min / median / max. nibble runs a second time
with --keep-packed, on a link to the model in a temporary folder.
"""
import argparse
import os
import pathlib
import statistics
import subprocess
import tempfile

PROMPT = "The capital of France is"


def run(command):
    """(CPU ms, peak MiB)"""
    child = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        raise SystemExit(f"{command[0]}: wait status {status}")
    return 1000 * (usage.ru_utime + usage.ru_stime), usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nibble", type=pathlib.Path, default="build/release/nibble")
    parser.add_argument("--peer", type=pathlib.Path, required=True, help="folder of llama-completion")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("model")
    options = parser.parse_args()
    folder = tempfile.TemporaryDirectory()
    link = pathlib.Path(folder.name, "model.gguf")
    link.symlink_to(pathlib.Path(options.model).resolve())
    answer = ["-p", PROMPT, "-n", 1, "--threads", 1]
    commands = {
        "nibble": [options.nibble, "run", options.model, *answer],
        "nibble --keep-packed": [options.nibble, "run", link, *answer, "--keep-packed"],
        "llama.cpp": [options.peer / "llama-completion", "-m", options.model, "-p", PROMPT, "-n", 1, "-t", 1, "-no-cnv"],
    }
    runs = {name: [] for name in commands}
    for number in range(options.rounds + 1):
        for name, command in commands.items():
            result = run(command)
            if number > 0:  # the first reads the file
                runs[name].append(result)
    print("| | CPU ms | Peak MiB |\n|---|---|---:|")
    for name, results in runs.items():
        times = [time for time, _ in results]
        peak = statistics.median(memory for _, memory in results)
        print(f"| {name} | {min(times):.0f} / {statistics.median(times):.0f} / {max(times):.0f} | {peak:.0f} |")


if __name__ == "__main__":
    main()
