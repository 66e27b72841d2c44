#!/usr/bin/env python3
"""Loads what `nibble convert` writes with the libraries that the formats come from.

    packed_formats.py NIBBLE [MODEL]

MODEL is a Hugging Face folder of a llama; without it a small random one is made. Each case is quantized and converted, loaded by
Transformers on the CPU in float32, and the weights as that library dequantizes them are compared with a decoding of nibble's own folder
in NumPy, written here from docs/formats/int-group.md and nf4.md. GPTQModel, which also loads AWQ, and compressed-tensors have theirs in float16: ours are
rounded there. Transformers leaves compressed-tensors' weight_g_idx aside and version 0.20 of that package refuses it, so folders with groups
by activation are decompressed by the package itself where it is older (0.15), and passed over where it is not.
Exit status 77, which CTest takes for a skip, when a package is missing.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ["CUDA_VISIBLE_DEVICES"] = ""
try:
    import bitsandbytes
    import compressed_tensors.quantization
    import numpy as np
    import torch
    import transformers
    from gptqmodel.nn_modules.qlinear import AWQuantLinear
    from gptqmodel.quantization.awq.utils.packing_utils import dequantize_gemm
    from safetensors import safe_open
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

CASES = [
    ("gptq", "method=nearest,codec=int4g64ah"),
    ("gptq_v2", "method=nearest,codec=int4g64ah"),
    ("gptq", "method=nearest,codec=int4g128sh"),
    ("awq", "method=nearest,codec=int4g64ah"),
    ("compressed-tensors", "method=nearest,codec=int4g64ah"),
    ("compressed-tensors", "method=nearest,codec=int8g64sh"),
    ("gptq", "int4g64pah by activation"),
    ("gptq_v2", "int4g64pah by activation"),
    ("compressed-tensors", "int4g64pah by activation"),
    ("bitsandbytes", "method=nearest,codec=nf4b64"),
    ("bitsandbytes", "method=nearest,codec=nf4b64dq"),
    ("bitsandbytes", "method=nearest,codec=fp4b64"),
]


def make_model(folder):
    torch.manual_seed(1)
    config = transformers.LlamaConfig(hidden_size=192, intermediate_size=320, num_hidden_layers=2, num_attention_heads=3,
                                      vocab_size=256, max_position_embeddings=256, tie_word_embeddings=True)
    transformers.LlamaForCausalLM(config).float().save_pretrained(folder)
    letters = {"[UNK]": 0} | {chr(ord("a") + i): i + 1 for i in range(26)}
    (folder / "tokenizer.json").write_text(json.dumps({
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "vocab": letters},
        "pre_tokenizer": {"type": "BertPreTokenizer"}, "decoder": {"type": "WordPiece"}}))


def recipe_file(folder, codec):
    """GPTQ whose groups are runs of the inputs in the order of their energy, on tokens without meaning."""
    tokens = [int(t) for t in torch.randint(1, 27, (512,), generator=torch.Generator().manual_seed(2))]
    (folder / "tokens.jsonl").write_text(json.dumps({"tokens": tokens}) + "\n")
    path = folder / "permuted.toml"
    path.write_text(f'name = "permuted"\n[calibration]\nsource = "{folder}/tokens.jsonl"\nwindows = 4\nwindow_tokens = 128\n'
                    f'[[stage]]\nsolve = "gptq"\norder = "activation"\nstatic_groups = false\nscheme = {{ default = "{codec}" }}\n')
    return path


def integer_values(file, name, codec, rows, cols):
    bits = int(codec[3])
    stream = np.unpackbits(file.get_tensor(name + ".codes"), axis=1, bitorder="little")[:, : cols * bits]
    codes = (stream.reshape(rows, cols, bits) * (1 << np.arange(bits))).sum(-1).astype(np.float32)
    scales = file.get_tensor(name + ".scales").astype(np.float32)
    symmetric = name + ".zeros" not in file.keys()
    zeros = np.full_like(scales, 2 ** (bits - 1)) if symmetric else file.get_tensor(name + ".zeros").astype(np.float32)
    group = np.arange(cols) // int(codec[5:].rstrip("sahp"))
    values = scales[:, group] * (codes - zeros[:, group])
    if name + ".order" not in file.keys():
        return values
    places = np.argsort(file.get_tensor(name + ".order"))
    assert not np.array_equal(places, np.arange(cols)), "an order that shows nothing"
    return values[:, places]


def codebook_values(file, name, codec, rows, cols):
    table = bitsandbytes.functional.get_4bit_type(codec[:3], device="cpu").numpy()
    packed = file.get_tensor(name + ".codes")
    codes = np.stack([packed >> 4, packed & 15], 1).reshape(-1)[: rows * cols]
    absmax = file.get_tensor(name + ".absmax")
    if codec.endswith("dq"):
        nested = np.repeat(file.get_tensor(name + ".nested_absmax"), 256)[: absmax.size]
        absmax = bitsandbytes.functional.create_dynamic_map().numpy()[absmax] * nested
        absmax = absmax + file.get_tensor(name + ".nested_offset")[0]
    return (table[codes] * np.repeat(absmax.astype(np.float32), 64)[: rows * cols]).reshape(rows, cols)


def ours(folder):
    file = safe_open(str(folder / "model.safetensors"), "np")
    out = {}
    for name, entry in json.loads(file.metadata()["nibble.codecs"]).items():
        values = integer_values if entry["codec"].startswith("int") else codebook_values
        out[name] = values(file, name, entry["codec"], *entry["shape"])
    return out


def theirs(folder, target):
    config = {"gptq": lambda: transformers.GPTQConfig(bits=4, backend="torch"),
              "awq": lambda: transformers.AwqConfig(bits=4, backend="torch_awq"),
              "compressed-tensors": lambda: transformers.CompressedTensorsConfig(run_compressed=False)}.get(target.split("_")[0])
    more = {"quantization_config": config()} if config else {}
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, device_map="cpu", **more)
    for name, module in model.named_modules():
        if isinstance(module, bitsandbytes.nn.Linear4bit):
            weight = bitsandbytes.functional.dequantize_4bit(module.weight.data, module.weight.quant_state)
            yield name + ".weight", type(module).__name__, weight.float().numpy()
        elif hasattr(module, "dequantize_weight"):
            yield name + ".weight", type(module).__name__, module.dequantize_weight().float().detach().numpy().T
        elif isinstance(module, AWQuantLinear):
            weight = dequantize_gemm(module.qweight, module.qzeros, module.scales, 4, module.group_size)
            yield name + ".weight", type(module).__name__, weight.float().detach().numpy().T
        elif target == "compressed-tensors" and name.endswith("_proj"):
            yield name + ".weight", type(module).__name__, module.weight.detach().float().numpy()


def reads_groups_by_activation():
    try:
        compressed_tensors.quantization.QuantizationArgs(num_bits=4, strategy="group", group_size=64, actorder="group")
    except ValueError:
        return False
    return True


def by_compressed_tensors(folder):
    """What the package makes of each module's tensors, without Transformers."""
    from compressed_tensors.compressors.pack_quantized.base import PackedQuantizationCompressor
    settings = json.loads((folder / "config.json").read_text())["quantization_config"]
    scheme = compressed_tensors.quantization.QuantizationScheme(**settings["config_groups"]["group_0"])
    modules = {}
    with safe_open(str(folder / "model.safetensors"), "pt") as file:
        for name in file.keys():
            module, suffix = name.rsplit(".", 1)
            modules.setdefault(module, {})[suffix] = file.get_tensor(name)
    for module, tensors in modules.items():
        if "weight_packed" in tensors:
            weight = PackedQuantizationCompressor.decompress(tensors, scheme)["weight"]
            yield module + ".weight", "PackedQuantizationCompressor", weight.float().numpy()


def run(*arguments):
    subprocess.run([str(a) for a in arguments], check=True, stdout=subprocess.DEVNULL)


def main():
    nibble, faults = sys.argv[1], 0
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(temporary)
        model = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else work / "model"
        if not model.exists():
            make_model(model)
        for i, (target, recipe) in enumerate(CASES):
            is_permuted = recipe.endswith("by activation")
            if target == "compressed-tensors" and is_permuted and not reads_groups_by_activation():
                print(f"     {target} {recipe}: not run, compressed-tensors {compressed_tensors.__version__} refuses them", flush=True)
                continue
            method = recipe_file(work, recipe.split()[0]) if is_permuted else recipe
            run(nibble, "quantize", "-q", model, "-r", method, "-o", work / f"q{i}")
            run(nibble, "convert", "-q", work / f"q{i}", work / f"c{i}", "--to", target)
            wanted, worst, kind, seen = ours(work / f"q{i}"), 0.0, "none", set()
            found_weights = by_compressed_tensors(work / f"c{i}") if target == "compressed-tensors" and is_permuted else theirs(work / f"c{i}", target)
            for name, kind, found in found_weights:
                weight = wanted[name]
                if target != "bitsandbytes":
                    weight = weight.astype(np.float16).astype(np.float32)
                worst = max(worst, float(np.abs(found - weight).max()))
                seen.add(name)
            good = worst == 0 and seen == set(wanted)
            faults += not good
            print(f"{'ok  ' if good else 'FAIL'} {target} {recipe}: {kind}, {len(seen)} of {len(wanted)} weights, "
                  f"largest difference {worst:g}", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
