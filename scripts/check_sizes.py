#!/usr/bin/env python3
"""Checks the size budget of src/: lines a file, lines a function (universal-ctags), files a folder.

Budget: file median <= 130, 90th percentile <= 400, none above 600; function median <= 10, 90th percentile <= 35, none above
80 (150 under kernels/); at most 25 files of one kind a folder; comment lines of at most 100 characters (clang-format sees to the
code). Exceptions stand in scripts/size_exceptions.txt, each with its
reason: `src/path.cc file REASON` or `src/path.cc function_name REASON`. Exit status 1 with one line a fault.
"""
import json
import pathlib
import shutil
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILE_MEDIAN, FILE_P90, FILE_MAX = 130, 400, 600
FUNCTION_MEDIAN, FUNCTION_P90, FUNCTION_MAX, KERNEL_MAX = 10, 35, 80, 150
FOLDER_MAX = 25
COMMENT_WIDTH = 100


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def read_exceptions():
    path = ROOT / "scripts/size_exceptions.txt"
    rows = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        if line.strip() and not line.startswith("#"):
            name, what, reason = line.split(maxsplit=2)
            rows[name, what] = reason
    return rows


def functions(files):
    """(path, name, lines) of every function that ctags finds."""
    command = ["ctags", "--languages=C++", "--langmap=C++:+.cu", "--kinds-C++=f", "--fields=+ne", "--output-format=json", "-f", "-", *files]
    output = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    for line in output.splitlines():
        tag = json.loads(line)
        if "end" in tag:
            yield tag["path"], tag["name"], tag["end"] - tag["line"] + 1


def main():
    if shutil.which("ctags") is None:
        print("check_sizes: needs universal-ctags")
        return 1
    faults, allowed, used = [], read_exceptions(), set()

    def over(path, what, message):
        if (path, what) in allowed:
            used.add((path, what))
        else:
            faults.append(message)

    files = sorted(str(p.relative_to(ROOT)) for p in (ROOT / "src").rglob("*") if p.suffix in (".h", ".cc", ".cu", ".cuh"))
    texts = {path: (ROOT / path).read_text().splitlines() for path in files}
    for path, text in texts.items():
        faults += [f"{path}:{i}: comment of {len(line)} characters, at most {COMMENT_WIDTH}"
                   for i, line in enumerate(text, 1) if "//" in line and len(line) > COMMENT_WIDTH]
    lines = {path: len(text) for path, text in texts.items()}
    for path, n in lines.items():
        if n > FILE_MAX:
            over(path, "file", f"{path}: {n} lines, at most {FILE_MAX}")
    sizes = []
    for path, name, n in functions(files):
        sizes.append(n)
        limit = KERNEL_MAX if path.startswith("src/kernels/") else FUNCTION_MAX
        if n > limit:
            over(path, name, f"{path}: {name} has {n} lines, at most {limit}")
    folders = {}
    for path in files:
        folders.setdefault((str(pathlib.Path(path).parent), pathlib.Path(path).suffix), []).append(path)
    for (folder, suffix), members in folders.items():
        if len(members) > FOLDER_MAX:
            faults.append(f"{folder}: {len(members)} {suffix} files, at most {FOLDER_MAX}")
    file_median, file_p90 = statistics.median(lines.values()), percentile(lines.values(), 0.9)
    function_median, function_p90 = statistics.median(sizes), percentile(sizes, 0.9)
    for what, value, limit in (("file median", file_median, FILE_MEDIAN), ("file 90th percentile", file_p90, FILE_P90),
                               ("function median", function_median, FUNCTION_MEDIAN),
                               ("function 90th percentile", function_p90, FUNCTION_P90)):
        if value > limit:
            faults.append(f"{what}: {value} lines, at most {limit}")
    for key in allowed.keys() - used:
        faults.append(f"size_exceptions.txt: {key[0]} {key[1]} is no longer needed")
    for fault in faults:
        print(fault)
    print(f"sizes: {len(files)} files, median {file_median:g}, p90 {file_p90}; {len(sizes)} functions, median "
          f"{function_median:g}, p90 {function_p90}; {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
