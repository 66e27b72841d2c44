#!/usr/bin/env python3
"""Time of quantizing with nibble and with the package that a method comes from: same weights, tokens, settings and cores.

    python3 -m venv env && env/bin/pip install gptqmodel==7.7.0 auto-round==0.16.1 hqq==0.2.8.post1 && env/bin/pip install --no-deps autoawq==0.2.9
    env/bin/python bench/methods_peer.py gptq|gptaq|awq|autoround|hqq --nibble build/release/nibble --tokens TOKENS.jsonl \\
        [--layers 4] [--windows 16] [--length 512] [--threads 2] [--rounds 2] MODEL_FOLDER

MODEL_FOLDER is a Hugging Face folder with float32 weights; the first --layers decoder layers are copied and quantized, so what is counted
is what a layer costs, beside the loading. TOKENS has {"tokens": [...]} lines, cut into windows as they come. The programs alternate; CPU
seconds (user and system, all threads) count on a machine with other work; wall seconds and the largest resident size are told beside them.
Threads of torch that wait for one another burn time where cores are shared: there, --threads 1 is the fair choice.

nibble: the whole command, from start to published folder. The package: loading the model and its `quantize`, without imports, without
saving; its size is that of the whole process, torch included. GPTQ and AWQ take groups of 64, since AutoAWQ refuses what does not
divide 576 inputs. AutoAWQ's search for scales keeps an alias of the weights on a CPU, which spoils its result but not its time.

GPTQModel compiles an extension (a compiler and ninja are wanted): here before the clock starts, in a folder of this comparison, for where a
build was killed torch leaves a file `lock` behind, for which every later process waits without end.
"""
import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

RECIPES = {
    "gptq": 'solve = "gptq"\norder = "activation"\nstatic_groups = false\nscheme = { default = "int4g64pah" }\n',
    "gptaq": 'solve = "gptq"\norder = "natural"\nasymmetry = 0.25\nscheme = { default = "int4g64ah" }\n',
    "awq": 'transform = "awq_scale"\n[[stage]]\ntransform = "awq_clip"\n[[stage]]\n'
           'solve = "nearest"\nrange = "raw"\nscheme = { default = "int4g64ah" }\n',
    "hqq": 'solve = "hqq"\nscheme = { default = "int4g64f" }\n',
    "autoround": 'solve = "autoround"\niterations = 20\nbatch = 4\nscheme = { default = "int4g128sh" }\n',
}


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def gptqmodel(folder, windows, method):
    cores = os.cpu_count() or 1
    os.cpu_count = lambda: max(4, cores)  # the package refuses to be imported with fewer
    from gptqmodel import GPTQModel, QuantizeConfig, extension
    extension.load("pack_block_cpu")  # compiled at its first use; that is no part of quantizing
    extra = {"desc_act": True}
    if method == "gptaq":
        from gptqmodel.quantization.config import GPTAQConfig
        extra = {"desc_act": False, "gptaq": GPTAQConfig(alpha=0.25)}
    config = QuantizeConfig(bits=4, group_size=64, sym=False, damp_percent=0.01, act_group_aware=False, **extra)

    def run():
        model = GPTQModel.load(folder, config, device="cpu")
        model.quantize([{"input_ids": w, "attention_mask": [1] * len(w)} for w in windows], batch_size=1)
    return run


def autoawq(folder, windows):
    import transformers
    from transformers import activations
    for name in ("PytorchGELUTanh", "NewGELUActivation", "GELUActivation"):  # asked for by name, gone from newer versions
        if not hasattr(activations, name):
            setattr(activations, name, type(name, (), {}))
    from awq import AutoAWQForCausalLM

    def run():
        model = AutoAWQForCausalLM.from_pretrained(folder, device_map="cpu", torch_dtype="float32", use_cache=False)
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        model.quantize(tokenizer, quant_config={"zero_point": True, "q_group_size": 64, "w_bit": 4, "version": "GEMM"},
                       calib_data=windows, max_calib_samples=len(windows), max_calib_seq_len=len(windows[0]))
    return run


def autoround(folder, windows):
    import torch
    import transformers
    from auto_round import AutoRound

    def run():
        model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        batches = [{"input_ids": torch.tensor([w]), "attention_mask": torch.ones(1, len(w), dtype=torch.long)} for w in windows]
        AutoRound(model, tokenizer, bits=4, group_size=128, sym=True, iters=20, nsamples=len(windows), seqlen=len(windows[0]),
                  batch_size=4, dataset=batches, seed=42, enable_torch_compile=False, amp=False, device_map="cpu").quantize()
    return run


def hqq(folder, _windows):
    import torch
    from hqq.core.quantize import Quantizer
    from safetensors.torch import load_file

    def run():
        for name, weight in load_file(pathlib.Path(folder) / "model.safetensors").items():
            if name.endswith("_proj.weight"):
                Quantizer.quantize(weight, nbits=4, group_size=64, axis=1, optimize=True, device="cpu", compute_dtype=torch.float32)
    return run


def child(arguments):
    """The package's part, in a process of its own."""
    method, folder, threads = arguments.method, arguments.model, arguments.threads
    import torch
    torch.set_num_threads(threads)
    windows = json.loads(pathlib.Path(arguments.tokens).read_text())
    run = {"awq": autoawq, "autoround": autoround, "hqq": hqq}.get(method, lambda f, w: gptqmodel(f, w, method))(folder, windows)
    cpu, wall = cpu_seconds(), time.time()
    run()
    largest = largest_mib(os.getpid())
    print("\nRESULT", json.dumps([cpu_seconds() - cpu, time.time() - wall, largest]), flush=True)
    os._exit(0)


def package_seconds(arguments, folder, tokens):
    command = [sys.executable, __file__, arguments.method, "--child", "--tokens", str(tokens), "--threads", str(arguments.threads), str(folder)]
    out = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         env=os.environ | {"OMP_NUM_THREADS": str(arguments.threads), "GPTQMODEL_EXT_BUILD": str(tokens.parent / "extensions")})
    lines = [line for line in out.stdout.splitlines() if line.startswith("RESULT ")]
    if not lines:
        sys.exit(f"the package failed:\n{out.stdout[-3000:]}")
    return json.loads(lines[-1][len("RESULT "):])


def largest_mib(pid):
    """The largest resident size that a running process had since it began its program; 0 where it cannot be read."""
    try:
        lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), 0.0)


def nibble_seconds(nibble, folder, recipe, out, threads):
    """CPU seconds, wall seconds and MiB of one `nibble quantize`."""
    wall = time.time()
    process = subprocess.Popen([nibble, "quantize", str(folder), "-r", str(recipe), "-o", str(out)],
                               env=os.environ | {"NIBBLE_THREADS": str(threads)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    largest = 0.0
    while True:
        largest = max(largest, largest_mib(process.pid))  # wait4's begins at the size of this program
        pid, status, used = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        time.sleep(0.02)
    if status:
        sys.exit(f"nibble quantize {folder} -r {recipe} failed")
    return [used.ru_utime + used.ru_stime, time.time() - wall, largest]


def first_layers(model, n_layers, out):
    """A copy of MODEL with its first layers alone."""
    from safetensors.numpy import load_file, save_file
    out.mkdir()
    tensors = load_file(model / "model.safetensors")
    kept = {name: t for name, t in tensors.items()
            if not name.startswith("model.layers.") or int(name.split(".")[2]) < n_layers}
    save_file(kept, str(out / "model.safetensors"), metadata={"format": "pt"})
    config = json.loads((model / "config.json").read_text())
    config["num_hidden_layers"] = n_layers
    (out / "config.json").write_text(json.dumps(config))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (out / name).write_bytes((model / name).read_bytes())


def read_windows(path, n_windows, length):
    ids = []
    for line in pathlib.Path(path).read_text().splitlines():
        ids += json.loads(line)["tokens"]
    if len(ids) < n_windows * length:
        sys.exit(f"{path}: {len(ids)} tokens, wanted {n_windows * length}")
    return [ids[i * length:(i + 1) * length] for i in range(n_windows)]


def recipe_text(method, tokens, n_windows, length):
    inputs = 'inputs = "original"\n' if method == "awq" else ""
    calibration = f'[calibration]\nsource = "{tokens}"\nwindows = {n_windows}\nwindow_tokens = {length}\n{inputs}'
    return f'name = "peer"\n{"" if method == "hqq" else calibration}[[stage]]\n{RECIPES[method]}'


def compare(arguments, folder):
    model = folder / "model"
    first_layers(pathlib.Path(arguments.model), arguments.layers, model)
    windows = read_windows(arguments.tokens, arguments.windows, arguments.length)
    (folder / "windows.json").write_text(json.dumps(windows))
    (folder / "text.jsonl").write_text("".join(json.dumps({"tokens": w}) + "\n" for w in windows))
    (folder / "recipe.toml").write_text(recipe_text(arguments.method, folder / "text.jsonl", arguments.windows, arguments.length))
    ours, theirs = [], []
    for i in range(arguments.rounds):
        ours.append(nibble_seconds(arguments.nibble, model, folder / "recipe.toml", folder / f"out{i}", arguments.threads))
        theirs.append(package_seconds(arguments, model, folder / "windows.json"))
        for name, (cpu, wall, largest) in (("nibble", ours[-1]), ("package", theirs[-1])):
            print(f"round {i + 1}: {name} {cpu:.1f} s of CPU, {wall:.1f} s, {largest:.0f} MiB", flush=True)
    cpu = [statistics.median(run[0] for run in runs) for runs in (ours, theirs)]
    print(f"{arguments.method}: {arguments.layers} layers, {arguments.windows} x {arguments.length} tokens, {arguments.threads} threads: "
          f"nibble {cpu[0]:.1f} s, package {cpu[1]:.1f} s of CPU (medians of {arguments.rounds}), {cpu[1] / cpu[0]:.2f} times")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("method", choices=RECIPES)
    parser.add_argument("model")
    parser.add_argument("--tokens", required=True)
    parser.add_argument("--nibble")
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--windows", type=int, default=16)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--child", action="store_true")
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments)
    with tempfile.TemporaryDirectory() as folder:
        compare(arguments, pathlib.Path(folder))


if __name__ == "__main__":
    main()
