#!/usr/bin/env python3
"""What quantizing costs against parameters and calibration tokens: measures points, and fits docs/methods.md's cost model to them.

    bench/quantize_cost.py measure MODEL_FOLDER POINTS.jsonl --nibble build/release/nibble --tokens TOKENS.jsonl [--methods gptq awq …]
                                   [--layers 2 6 30] [--windows 4 16] [--length 256] [--threads 2]
    bench/quantize_cost.py fit POINTS.jsonl

`measure` (needs safetensors and numpy, for bench/methods_peer.py cuts the model) appends one line a point: CPU seconds of the whole command
and its largest resident size. Points that stand in the file are not measured again. `fit` (standard library only) prints a row for each method:

    seconds = start + P per_parameters + P T per_tokens      P: millions of parameters quantized, T: thousands of tokens

with coefficients of at least zero and the least sum of squares of relative errors.
"""
import argparse
import itertools
import json
import pathlib
import tempfile

import methods_peer

SIMPLE = {
    "rtn": 'solve = "nearest"\nscheme = { default = "int4g128ah" }\n',
    "nf4": 'solve = "nearest"\nscheme = { default = "nf4b64" }\n',
    "hqq": methods_peer.RECIPES["hqq"],
}
CALIBRATED = ("gptq", "awq", "autoround")


def n_quantized(model):
    """Parameters of the linear layers, from the header of the weight file."""
    with open(model / "model.safetensors", "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return sum(entry["shape"][0] * entry["shape"][1] for name, entry in header.items() if name.endswith("_proj.weight"))


def recipe_of(method, tokens, n_windows, length):
    if method in SIMPLE:
        return f'name = "cost"\n[[stage]]\n{SIMPLE[method]}'
    return methods_peer.recipe_text(method, tokens, n_windows, length)


def measure(arguments):
    points = pathlib.Path(arguments.points)
    known = [json.loads(line) for line in points.read_text().splitlines()] if points.exists() else []
    done = {(p["method"], p["layers"], p["tokens"]) for p in known}
    for n_layers in arguments.layers:
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary)
            methods_peer.first_layers(pathlib.Path(arguments.model), n_layers, folder / "model")
            for method, n_windows in itertools.product(arguments.methods, arguments.windows):
                if method in SIMPLE:
                    n_windows = 0
                if (method, n_layers, n_windows * arguments.length) in done:
                    continue
                done.add((method, n_layers, n_windows * arguments.length))
                windows = methods_peer.read_windows(arguments.tokens, n_windows, arguments.length)
                (folder / "text.jsonl").write_text("".join(json.dumps({"tokens": w}) + "\n" for w in windows))
                (folder / "recipe.toml").write_text(recipe_of(method, folder / "text.jsonl", n_windows, arguments.length))
                cpu, wall, largest = methods_peer.nibble_seconds(
                    arguments.nibble, folder / "model", folder / "recipe.toml", folder / f"{method}-{n_windows}", arguments.threads)
                point = {"method": method, "layers": n_layers, "parameters": n_quantized(folder / "model"),
                         "tokens": n_windows * arguments.length, "cpu_s": round(cpu, 2), "wall_s": round(wall, 1), "mib": round(largest)}
                with points.open("a") as file:
                    file.write(json.dumps(point) + "\n")
                print(point, flush=True)


def solve(matrix, right):
    """Gauss's elimination with pivots; None where the matrix is singular."""
    n = len(right)
    rows = [row[:] + [r] for row, r in zip(matrix, right)]
    for i in range(n):
        pivot = max(range(i, n), key=lambda r: abs(rows[r][i]))
        if abs(rows[pivot][i]) < 1e-12:
            return None
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for r in range(n):
            if r != i:
                factor = rows[r][i] / rows[i][i]
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[i])]
    return [rows[i][n] / rows[i][i] for i in range(n)]


def fit_method(points):
    """Coefficients and the largest relative error: the best of all sets of columns whose solution has no negative."""
    columns = [[1.0, p["parameters"] / 1e6, p["parameters"] / 1e6 * p["tokens"] / 1e3] for p in points]
    scaled = [[x / p["cpu_s"] for x in row] for row, p in zip(columns, points)]
    best = None
    for n in range(1, 4):
        for chosen in itertools.combinations(range(3), n):
            normal = [[sum(row[i] * row[j] for row in scaled) for j in chosen] for i in chosen]
            solution = solve(normal, [sum(row[i] for row in scaled) for i in chosen])
            if solution is None or min(solution) < 0:
                continue
            whole = [0.0, 0.0, 0.0]
            for i, x in zip(chosen, solution):
                whole[i] = x
            errors = [sum(c * x for c, x in zip(whole, row)) - 1 for row in scaled]
            loss = sum(e * e for e in errors)
            if best is None or loss < best[0] - 1e-12:
                best = (loss, whole, max(abs(e) for e in errors))
    return best[1], best[2]


def fit(arguments):
    points = [json.loads(line) for line in pathlib.Path(arguments.points).read_text().splitlines()]
    print("| Method | Points | Start, s | s a million parameters | s a million parameters and thousand tokens | Largest error of a point |")
    print("|---|---:|---:|---:|---:|---:|")
    for method in dict.fromkeys(p["method"] for p in points):
        own = [p for p in points if p["method"] == method]
        (start, parameters, tokens), error = fit_method(own)
        print(f"| `{method}` | {len(own)} | {start:.2f} | {parameters:.4f} | {tokens:.4f} | {error:.0%} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    taking = commands.add_parser("measure")
    taking.add_argument("model")
    taking.add_argument("points")
    taking.add_argument("--nibble", required=True)
    taking.add_argument("--tokens", required=True)
    taking.add_argument("--methods", nargs="+", default=[*SIMPLE, *CALIBRATED], choices=[*SIMPLE, *CALIBRATED])
    taking.add_argument("--layers", nargs="+", type=int, default=[2, 6, 30])
    taking.add_argument("--windows", nargs="+", type=int, default=[4, 16])
    taking.add_argument("--length", type=int, default=256)
    taking.add_argument("--threads", type=int, default=2)
    fitting = commands.add_parser("fit")
    fitting.add_argument("points")
    arguments = parser.parse_args()
    (measure if arguments.command == "measure" else fit)(arguments)


if __name__ == "__main__":
    main()
