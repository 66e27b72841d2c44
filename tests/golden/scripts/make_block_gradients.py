#!/usr/bin/env python3
"""Writes tests/golden/quant/block_gradients.safetensors: gradients of a decoder block by torch's autograd.

For the tiny models of tests/golden/model: the gradient of sum(c * block(x)) for the weights of one decoder layer in float64, with x and
c drawn here. Of each gradient every fourth row is kept. Two windows of 32 tokens, so that sliding windows of 8 and 24 act.

    python tests/golden/scripts/make_block_gradients.py        # needs torch, transformers, safetensors
"""
import pathlib

import torch
import transformers
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).resolve().parent.parent
ROWS = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")
CASES = (("gemma3", 0), ("gemma3", 5), ("llama3-scaled", 1), ("mistral-window", 0), ("qwen2", 2), ("qwen3", 1))
WINDOWS, WINDOW = 2, 32


def gradients(folder, layer, generator):
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float64)
    model.eval()
    width = model.config.get_text_config().hidden_size
    x = torch.randn(WINDOWS, WINDOW, width, generator=generator, dtype=torch.float64).float().double()
    c = torch.randn(WINDOWS, WINDOW, width, generator=generator, dtype=torch.float64).float().double()
    block = model.get_decoder().layers[layer]
    seen = {}

    def replace(_module, args, kwargs):
        return ((x, *args[1:]), kwargs) if args else (args, {**kwargs, "hidden_states": x})

    def keep(_module, _args, output):
        seen["out"] = output[0] if isinstance(output, tuple) else output

    block.register_forward_pre_hook(replace, with_kwargs=True)
    block.register_forward_hook(keep)
    softcap = getattr(model.config, "attn_logit_softcapping", None)  # Gemma3Attention does not hand it on by itself
    model(inputs_embeds=x, use_cache=False, **({"softcap": softcap} if softcap else {}))
    (seen["out"] * c).sum().backward()
    out = {"x": x, "c": c, "out": seen["out"].detach()}
    out = {name: value.reshape(WINDOWS * WINDOW, width) for name, value in out.items()}
    for name in ROWS:
        out[name] = block.get_submodule(name).weight.grad[::4]
    return {name: value.float().contiguous() for name, value in out.items()}


def main():
    generator = torch.Generator().manual_seed(16)
    tensors = {}
    for name, layer in CASES:
        for key, value in gradients(HERE / "model" / name, layer, generator).items():
            tensors[f"{name}.{layer}.{key}"] = value
    save_file(tensors, HERE / "quant" / "block_gradients.safetensors",
              {"torch": torch.__version__, "transformers": transformers.__version__, "seed": "16"})


if __name__ == "__main__":
    main()
