#!/usr/bin/env python3
"""Writes tests/golden/quant/kv_gradients.safetensors: gradients of a model's loss for keys and values by torch's autograd.

For tiny models of tests/golden/model in float64: the sum over two windows of 32 tokens of the negative log-likelihood of each next token, and
its gradients for the keys of one layer (behind the head norm, before RoPE) and its values.

    python tests/golden/scripts/make_kv_gradients.py        # needs torch, transformers, safetensors
"""
import pathlib

import torch
import transformers
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).resolve().parent.parent
CASES = (("gemma3", 0), ("qwen2", 0), ("qwen3", 1))
WINDOWS, WINDOW = 2, 32


def gradients(folder, layer, generator):
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float64).eval()
    ids = torch.randint(3, model.config.get_text_config().vocab_size, (WINDOWS, WINDOW), generator=generator)
    attention, seen = model.get_decoder().layers[layer].self_attn, {}

    def keep(name):
        def hook(_module, _args, output):
            output.retain_grad()
            seen[name] = output
        return hook

    (attention.k_norm if hasattr(attention, "k_norm") else attention.k_proj).register_forward_hook(keep("k"))
    attention.v_proj.register_forward_hook(keep("v"))
    softcap = getattr(model.config, "attn_logit_softcapping", None)  # Gemma3Attention does not hand it on by itself
    logits = model(ids, use_cache=False, **({"softcap": softcap} if softcap else {})).logits.double()
    loss = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten(), reduction="sum")
    loss.backward()

    def by_token(x):
        # Norms see [windows, tokens, heads, dim] or [windows, heads, tokens, dim].
        if x.dim() == 4 and x.shape[1] != WINDOW:
            x = x.transpose(1, 2)
        return x.reshape(WINDOWS * WINDOW, -1)

    out = {"ids": ids.flatten().float(), "loss": loss.detach().reshape(1).float()}
    for name, value in seen.items():
        out[name] = by_token(value.detach()).float().contiguous()
        out[name + "_gradient"] = by_token(value.grad).float().contiguous()
    return out


def main():
    generator = torch.Generator().manual_seed(33)
    tensors = {}
    for name, layer in CASES:
        for key, value in gradients(HERE / "model" / name, layer, generator).items():
            tensors[f"{name}.{layer}.{key}"] = value
    save_file(tensors, HERE / "quant" / "kv_gradients.safetensors",
              {"torch": torch.__version__, "transformers": transformers.__version__, "seed": "33"})


if __name__ == "__main__":
    main()
