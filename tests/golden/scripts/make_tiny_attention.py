#!/usr/bin/env python3
"""Write attention.json beside golden.json of the tiny models: probabilities of a few queries over all keys, computed eagerly.

    make_tiny_attention.py MODELS_DIR        (needs numpy; tests/golden/model was made with numpy 2.4.6)

The whole n x n softmax of every layer and head in float64, written here from the formulas alone; it counts only if the logits behind
it are those of the Transformers library in golden.json. Values are rounded to 8 digits.
"""
import json
import math
import os
import sys

import numpy as np

MODELS = ("mistral-window", "qwen3", "gemma3")
PROMPT, ROWS = 2, (0, 7, 20, 39)


def load(folder):
    """bfloat16 as float64; numpy has no such type, so the bits are read."""
    weights = {}
    with open(os.path.join(folder, "model.safetensors"), "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        start = file.tell()
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            assert entry["dtype"] == "BF16", name
            file.seek(start + entry["data_offsets"][0])
            bits = np.frombuffer(file.read(entry["data_offsets"][1] - entry["data_offsets"][0]), "<u2").astype("<u4") << 16
            weights[name] = bits.view("<f4").astype(np.float64).reshape(entry["shape"])
    return weights


def norm(x, weight, epsilon, one_more):
    return x / np.sqrt(np.mean(x * x, -1, keepdims=True) + epsilon) * (weight + one_more)


def rope(x, theta, factor):
    """x [n, heads, dim]; the halves of a head are the pairs."""
    n, _, dim = x.shape
    angle = np.arange(n)[:, None] * theta ** (-np.arange(0, dim, 2) / dim) / factor
    cosine, sine = np.cos(angle)[:, None, :], np.sin(angle)[:, None, :]
    a, b = x[..., : dim // 2], x[..., dim // 2 :]
    return np.concatenate([a * cosine - b * sine, b * cosine + a * sine], -1)


def probabilities(q, k, config, window):
    """[heads, n, n]"""
    n, heads, dim = q.shape
    k = np.repeat(k, heads // k.shape[1], axis=1)
    scores = np.einsum("ihd,jhd->hij", q, k) / math.sqrt(config.get("query_pre_attn_scalar", dim))
    cap = config.get("attn_logit_softcapping")
    scores = cap * np.tanh(scores / cap) if cap else scores
    distance = np.arange(n)[:, None] - np.arange(n)[None, :]
    seen = (distance >= 0) & (distance < window if window else True)
    weight = np.where(seen, np.exp(scores - scores.max(-1, keepdims=True)), 0.0)
    return weight / weight.sum(-1, keepdims=True)


def run(config, w, ids):
    """Logits of the last position, and the attention of every layer."""
    gemma = config["model_type"] == "gemma3_text"
    heads, kv_heads, dim, epsilon = (config[k] for k in ("num_attention_heads", "num_key_value_heads", "head_dim", "rms_norm_eps"))
    x, n, maps = w["model.embed_tokens.weight"][ids], len(ids), []
    x = x * math.sqrt(config["hidden_size"]) if gemma else x
    for layer in range(config["num_hidden_layers"]):
        of = lambda name: w[f"model.layers.{layer}.{name}.weight"]
        normed = norm(x, of("input_layernorm"), epsilon, gemma)
        q, k, v = ((normed @ of(f"self_attn.{p}_proj").T).reshape(n, -1, dim) for p in "qkv")
        if config["model_type"] != "mistral":
            q, k = norm(q, of("self_attn.q_norm"), epsilon, gemma), norm(k, of("self_attn.k_norm"), epsilon, gemma)
        sliding = config["layer_types"][layer] == "sliding_attention" if gemma else "sliding_window" in config
        theta, factor = config["rope_theta"], 1.0
        if gemma:
            theta, factor = (config["rope_local_base_freq"], 1.0) if sliding else (theta, config["rope_scaling"]["factor"])
        a = probabilities(rope(q, theta, factor), rope(k, theta, factor), config, config["sliding_window"] if sliding else 0)
        maps.append(a)
        branch = np.einsum("hij,jhd->ihd", a, np.repeat(v, heads // kv_heads, axis=1)).reshape(n, -1) @ of("self_attn.o_proj").T
        x = x + (norm(branch, of("post_attention_layernorm"), epsilon, True) if gemma else branch)
        normed = norm(x, of("pre_feedforward_layernorm" if gemma else "post_attention_layernorm"), epsilon, gemma)
        gate, up = normed @ of("mlp.gate_proj").T, normed @ of("mlp.up_proj").T
        if gemma:
            gate = 0.5 * gate * (1 + np.tanh(math.sqrt(2 / math.pi) * (gate + 0.044715 * gate**3)))
        else:
            gate = gate / (1 + np.exp(-gate))
        branch = (gate * up) @ of("mlp.down_proj").T
        x = x + (norm(branch, of("post_feedforward_layernorm"), epsilon, True) if gemma else branch)
    head = w["model.embed_tokens.weight" if config["tie_word_embeddings"] else "lm_head.weight"]
    logits = norm(x[-1], w["model.norm.weight"], epsilon, gemma) @ head.T
    cap = config.get("final_logit_softcapping")
    return cap * np.tanh(logits / cap) if cap else logits, np.array(maps)


def main():
    for name in MODELS:
        folder = os.path.join(sys.argv[1], name)
        with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
            config = json.load(file)
        with open(os.path.join(folder, "golden.json"), encoding="utf-8") as file:
            prompt = json.load(file)["prompts"][PROMPT]
        logits, maps = run(config, load(folder), prompt["ids"])
        difference = np.abs(logits - np.array(prompt["probe_logits"])).max()
        if difference > 1e-4:
            raise SystemExit(f"{name}: logits differ from golden.json by {difference}")
        rows = [[[[float(f"{x:.8g}") for x in maps[layer, head, row]] for head in range(maps.shape[1])] for layer in range(maps.shape[0])]
                for row in ROWS]
        golden = {"prompt": PROMPT, "rows": ROWS, "attention": rows}
        with open(os.path.join(folder, "attention.json"), "w", encoding="utf-8") as file:
            json.dump(golden, file)
            file.write("\n")
        print(f"{name}: logits within {difference:.1e} of golden.json, attention {maps.shape}")


if __name__ == "__main__":
    main()
