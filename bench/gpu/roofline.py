#!/usr/bin/env python3
"""A model, not a measurement: decoding a 7B of Mistral's shape on GPUs that nobody measured, from the compiled kernels.

  bench/gpu/roofline.py count OBJECT...     the instructions of the inner loops of linear_code4.o, by cuobjdump -sass: JSON lines
  bench/gpu/roofline.py model COUNTS        the table of docs/results/cuda.md

A step takes as long as the slowest of reading its weights once (at what copies reach), issuing the loop's instructions (one a
scheduler and cycle) and its products of the matrix units; and 2.5 us for each of 7 kernels of 32 layers.
"""
import collections
import json
import re
import subprocess
import sys

WEIGHTS_GB = 3.667  # that a token reads: 4-bit groups of 128, head included
KERNEL_SECONDS = 7 * 32 * 2.5e-6
# architecture, GB/s that copies reach, multiprocessors, GHz under load, FLOP of binary16 products a cycle and multiprocessor
# (float32 sums), GB/s, all from data sheets and public measurements of copies
DEVICES = {
    "T4": ("75", 260, 40, 1.3, 1024),
    "RTX 4090": ("89", 930, 128, 2.23, 512),
    "Orin AGX 64": ("87", 175, 16, 1.3, 2048),
}
# kernels by tokens: shape (format, fine groups, row tiles, eights of tokens)
SHAPES = {1: "1011", 4: "1011", 8: "1011", 16: "1022"}
FLOP = {"75": 2048, "87": 4096, "89": 4096}  # of one HMMA


def functions(path):
    text = subprocess.run(["cuobjdump", "-sass", path], check=True, capture_output=True, text=True).stdout
    name, body = None, {}
    for line in text.split("\n"):
        found = re.search(r"Function : (\S+)", line)
        if found:
            name = found[1]
            body[name] = []
        found = re.match(r"\s+/\*([0-9a-f]{4,6})\*/\s+(.*?);", line)
        if name and found:
            body[name].append((int(found[1], 16), found[2]))
    return body


def operation(text):
    return re.sub(r"^@!?U?P\w+\s+", "", text).split()[0].split(".")[0]


def count(paths):
    for path in paths:
        for name, code in functions(path).items():
            shape = re.search(r"stream_kernel.*StreamShapeILi(\d)ELb(\d)ELi(\d)ELi(\d)E", name)
            best = None
            for at, text in code if shape else []:
                back = re.search(r"BRA\S*\s+.*?(0x[0-9a-f]+)", text)
                if back and int(back[1], 16) < at:
                    loop = collections.Counter(operation(t) for a, t in code if int(back[1], 16) <= a <= at)
                    if loop["HMMA"] and (best is None or loop["HMMA"] > best["HMMA"]):
                        best = loop
            if best:
                arch = re.search(r"(\d\d)\.o$", path)[1]
                print(json.dumps({"arch": arch, "shape": "".join(shape.groups()), "instructions": sum(best.values()), **best}))


def model(path):
    loops = {}
    for line in open(path, encoding="utf-8"):
        row = json.loads(line)
        loops[row["arch"], row["shape"]] = row
    print("| | tokens | read | issue | products | step, ms | tok/s |\n|---|---|---|---|---|---|---|")
    for device, (arch, bandwidth, n, ghz, flop) in DEVICES.items():
        for tokens, shape in SHAPES.items():
            loop = loops[arch, shape]
            loop_bytes = int(shape[2]) * (512 + 16)  # codes of 16 x 64 weights, and their scales
            read = WEIGHTS_GB / bandwidth
            issue = WEIGHTS_GB / loop_bytes * loop["instructions"] / (n * 4 * ghz)
            products = WEIGHTS_GB / loop_bytes * loop["HMMA"] * FLOP[arch] / (n * flop * ghz)
            step = max(read, issue, products) + KERNEL_SECONDS
            print(f"| {device} | {tokens} | {read * 1e3:.1f} | {issue * 1e3:.1f} | {products * 1e3:.1f} | {step * 1e3:.1f} "
                  f"| {tokens / step:,.0f} |")


if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[1] == "count":
        count(sys.argv[2:])
    elif len(sys.argv) == 3 and sys.argv[1] == "model":
        model(sys.argv[2])
    else:
        sys.exit(__doc__)
