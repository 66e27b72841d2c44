#!/usr/bin/env python3
"""Write tiny random models with their outputs in the Transformers library, one folder each.

    make_tiny_models.py OUT_DIR        (tests/golden/model was made with transformers 5.23 and torch 2.15)

A folder holds config.json, model.safetensors (bfloat16) and golden.json: for random prompts the float32 logits of the
widened weights (top 20 and all of the last position, log-probability of each next token, arg-max of each position) and
greedy continuations. Each model has what the real models on hand lack: Llama 3 RoPE scaling, sliding windows shorter
than the prompt, norms of q and k, biases, soft limits, a linear RoPE scaling beside an unscaled local one.
"""
import json
import os
import sys

import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

SHAPE = {"vocab_size": 96, "hidden_size": 48, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4,
         "num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": 256, "rms_norm_eps": 1e-5,
         "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0, "tie_word_embeddings": False}
MODELS = {
    "llama3-scaled": SHAPE | {
        "model_type": "llama", "rope_theta": 500.0, "tie_word_embeddings": True,
        "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                         "original_max_position_embeddings": 64}},
    "mistral-window": SHAPE | {"model_type": "mistral", "rope_theta": 10000.0, "sliding_window": 8},
    "qwen2": SHAPE | {"model_type": "qwen2", "rope_theta": 1000000.0, "use_sliding_window": True, "sliding_window": 24,
                      "max_window_layers": 1},
    "qwen3": SHAPE | {"model_type": "qwen3", "rope_theta": 1000000.0, "rms_norm_eps": 1e-6},
    "gemma3": SHAPE | {
        "model_type": "gemma3_text", "num_hidden_layers": 7, "hidden_size": 32, "intermediate_size": 48,
        "sliding_window": 8, "query_pre_attn_scalar": 24, "rope_theta": 1000000.0, "rope_local_base_freq": 10000.0,
        "rope_scaling": {"rope_type": "linear", "factor": 8.0}, "rms_norm_eps": 1e-6, "tie_word_embeddings": True,
        "attn_logit_softcapping": 5.0, "final_logit_softcapping": 8.0, "hidden_activation": "gelu_pytorch_tanh",
        "layer_types": ["full_attention" if (i + 1) % 6 == 0 else "sliding_attention" for i in range(7)]},
}
PROMPT_LENGTHS = (1, 5, 40, 150)


def attention_options(model):
    """Transformers' Gemma 3 has the soft limit of attention in its configuration and its arithmetic, but does not join them."""
    limit = getattr(model.config, "attn_logit_softcapping", None)
    return {"softcap": limit} if limit else {}


def randomize(model, generator):
    """Weights large enough that attention is not flat, in values that bfloat16 holds exactly."""
    for name, weight in model.named_parameters():
        if weight.ndim == 2:
            value = torch.randn(weight.shape, generator=generator) * (2.0 / weight.shape[1] ** 0.5)
        elif name.endswith("bias"):
            value = torch.randn(weight.shape, generator=generator)
        else:
            value = torch.randn(weight.shape, generator=generator) * 0.2 + (0.0 if "gemma" in model.config.model_type else 1.0)
        weight.data = value.to(torch.bfloat16).to(torch.float32)
    model.tie_weights()


def prompt_golden(model, ids):
    with torch.no_grad():
        logits = model(torch.tensor([ids]), **attention_options(model)).logits[0]
    last, every = logits[-1], range(logits.shape[1])
    top = torch.topk(last, 20)
    scores = torch.log_softmax(logits.double(), dim=-1)
    return {"prompt": f"{len(ids)} tokens", "ids": ids, "top20_ids": top.indices.tolist(), "top20_logits": top.values.tolist(),
            "probe_ids": list(every), "probe_logits": last.tolist(),
            "logsumexp_last": torch.logsumexp(last.double(), 0).item(),
            "next_token_logprobs": [scores[i, ids[i + 1]].item() for i in range(len(ids) - 1)],
            "argmax_per_position": logits.argmax(-1).tolist()}


def greedy_golden(model, ids, n_tokens=40):
    past, fed, generated, margin = None, ids, [], float("inf")
    for _ in range(n_tokens):
        with torch.no_grad():
            out = model(torch.tensor([fed]), past_key_values=past, use_cache=True, **attention_options(model))
        past, top = out.past_key_values, torch.topk(out.logits[0, -1], 2)
        margin = min(margin, (top.values[0] - top.values[1]).item())
        generated.append(top.indices[0].item())
        fed = generated[-1:]
    return {"prompt": f"{len(ids)} tokens", "ids": ids, "generated": generated}, margin


def make(name, config, folder):
    for seed in range(100):  # the first seed whose greedy choices are all clear
        generator = torch.Generator().manual_seed(seed)
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**config), attn_implementation="eager").float().eval()
        randomize(model, generator)
        prompts = [torch.randint(3, config["vocab_size"], (n,), generator=generator).tolist() for n in PROMPT_LENGTHS]
        runs = [greedy_golden(model, prompts[i]) for i in (1, 2)]
        if min(margin for _, margin in runs) > 2e-3:
            break
    else:
        raise SystemExit(f"{name}: no seed without near ties")
    os.makedirs(folder, exist_ok=True)
    tied = {"lm_head.weight"} if config["tie_word_embeddings"] else set()
    weights = {k: v.to(torch.bfloat16).contiguous() for k, v in model.state_dict().items() if k not in tied}
    save_file(weights, os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})
    golden = {"seed": seed, "prompts": [prompt_golden(model, ids) for ids in prompts], "greedy": [run for run, _ in runs]}
    for file_name, value in (("config.json", config), ("golden.json", golden)):
        with open(os.path.join(folder, file_name), "w", encoding="utf-8") as file:
            json.dump(value, file, indent=1 if file_name == "config.json" else None)
            file.write("\n")
    print(name, "seed", seed, sorted(weights)[:3])


def main():
    for name, config in MODELS.items():
        make(name, config, os.path.join(sys.argv[1], name))


if __name__ == "__main__":
    main()
