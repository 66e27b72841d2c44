#!/usr/bin/env python3
"""Loads what `nibble convert --to hqq` and `--to auto-round` write with those libraries, and has nibble read what they write.

    hqq_auto_round.py NIBBLE [MODEL]

MODEL is a Hugging Face folder of a llama; without it a small random one is made. Every linear layer is decoded by the other side: HQQ's
layers one by one (Transformers 5.24 has no loader for saved HQQ layers), auto-round's through Transformers on the CPU, by a product with the
identity. Compared is nibble's own decoding, from the folder converted back to plain floats. HQQ decodes in its compute type, float16:
ours are computed in that type, too. auto-round's layers compute in float32 with float16 scales.
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
    import auto_round  # noqa: F401
    import numpy as np
    import torch
    import transformers
    from hqq.core.quantize import BaseQuantizeConfig, HQQLinear
    from safetensors import safe_open
    from safetensors.torch import save_file
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

CASES = [
    ("hqq", "method=hqq,codec=int4g64fh"),
    ("hqq", "method=hqq,codec=int3g64fh"),
    ("hqq", "method=hqq,codec=int2g16fh"),
    ("hqq", "method=hqq,codec=int8g64f"),
    ("auto-round", "method=nearest,codec=int4g64sh"),
    ("auto-round", "method=nearest,codec=int4g64ah"),
    ("auto-round", "method=nearest,codec=int3g64sh"),
    ("auto-round", "method=nearest,codec=int2g64ah"),
    ("auto-round", "method=nearest,codec=int8g64sh"),
]


def make_model(folder):
    torch.manual_seed(1)
    config = transformers.LlamaConfig(hidden_size=192, intermediate_size=320, num_hidden_layers=2, num_attention_heads=3,
                                      vocab_size=256, max_position_embeddings=256, tie_word_embeddings=True)
    transformers.LlamaForCausalLM(config).float().save_pretrained(folder)


def run(*arguments):
    subprocess.run([str(a) for a in arguments], check=True, stdout=subprocess.DEVNULL)


def decoded(nibble, folder, work):
    """nibble's values of each linear layer, by way of a folder of plain float32."""
    plain = work / (folder.name + "-plain")
    run(nibble, "quantize", "-q", folder, "-r", "method=nearest,codec=f32", "-o", plain)
    with safe_open(str(plain / "model.safetensors"), "np") as file:
        return {n: file.get_tensor(n) for n in file.keys() if n.endswith("_proj.weight")}


def hqq_layers(folder):
    layers = {}
    with safe_open(str(folder / "model.safetensors"), "pt") as file:
        for name in file.keys():
            module, _, suffix = name.rpartition(".")
            if module.endswith("_proj"):
                layers.setdefault(module, {})[suffix] = file.get_tensor(name)
    return layers


def from_hqq(folder):
    for module, state in hqq_layers(folder).items():
        layer = HQQLinear(None, None, device="cpu", compute_dtype=torch.float16)
        layer.load_state_dict(state)
        yield module + ".weight", layer.dequantize().float().numpy()


def from_auto_round(folder):
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, device_map="cpu")
    for name, module in model.named_modules():
        if name.endswith("_proj"):
            assert hasattr(module, "qweight"), f"{name} is a {type(module).__name__}"
            inputs = module.infeatures if hasattr(module, "infeatures") else module.in_features
            with torch.no_grad():
                yield name + ".weight", module(torch.eye(inputs)).float().numpy().T


def tolerance(target, values):
    """HQQ rounds the difference and the product to float16, auto-round the scale times the code at most."""
    return (2 ** -9 if target == "hqq" else 2 ** -10) * float(np.abs(values).max())


def compare(target, wanted, folder):
    worst, seen = 0.0, set()
    for name, found in (from_hqq if target == "hqq" else from_auto_round)(folder):
        worst = max(worst, float(np.abs(found - wanted[name]).max()) / tolerance(target, wanted[name]))
        seen.add(name)
    return worst, seen == set(wanted)


def their_hqq(nibble, model, work):
    """A folder whose layers the hqq library has quantized; nibble must read its values."""
    folder = work / "their-hqq"
    folder.mkdir()
    config = json.loads((model / "config.json").read_text())
    quant = BaseQuantizeConfig(nbits=4, group_size=64, axis=1)
    config["quantization_config"] = {"quant_method": "hqq", "quant_config": quant, "skip_modules": ["lm_head"]}
    (folder / "config.json").write_text(json.dumps(config, default=str))
    tensors, wanted = {}, {}
    with safe_open(str(model / "model.safetensors"), "pt") as file:
        for name in file.keys():
            tensor = file.get_tensor(name)
            if not name.endswith("_proj.weight"):
                tensors[name] = tensor
                continue
            linear = torch.nn.Linear(tensor.shape[1], tensor.shape[0], bias=False)
            linear.weight.data = tensor.float()
            layer = HQQLinear(linear, quant, compute_dtype=torch.float32, device="cpu", del_orig=False)
            layer.encoded_state_dict = True
            for key, value in layer.state_dict().items():
                tensors[name[:-len("weight")] + key] = value.contiguous()
            wanted[name] = layer.dequantize().float().numpy()
    save_file(tensors, str(folder / "model.safetensors"), {"format": "pt"})
    found = decoded(nibble, folder, work)
    return all(np.array_equal(found[n], wanted[n]) for n in wanted) and set(found) == set(wanted)


def main():
    nibble, faults = sys.argv[1], 0
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(temporary)
        model = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else work / "model"
        if not model.exists():
            make_model(model)
        for i, (target, recipe) in enumerate(CASES):
            run(nibble, "quantize", "-q", model, "-r", recipe, "-o", work / f"q{i}")
            run(nibble, "convert", "-q", work / f"q{i}", work / f"c{i}", "--to", target)
            wanted = decoded(nibble, work / f"q{i}", work)
            worst, complete = compare(target, wanted, work / f"c{i}")
            good = worst <= 1 and complete
            faults += not good
            print(f"{'ok  ' if good else 'FAIL'} {target} {recipe}: {len(wanted)} weights, largest difference {worst:.3g} of what "
                  f"float16 allows{'' if complete else ', NOT ALL LOADED'}", flush=True)
        good = their_hqq(nibble, model, work)
        faults += not good
        print(f"{'ok  ' if good else 'FAIL'} nibble reads what hqq quantized: every value {'equal' if good else 'NOT equal'}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
