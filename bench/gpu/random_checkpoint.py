#!/usr/bin/env python3
"""Writes a model of Mistral-7B's shape with random bfloat16 weights, and random calibration tokens beside it.

  bench/gpu/random_checkpoint.py FOLDER [--layers 32]

FOLDER/model is a Hugging Face folder (14.5 GB with 32 layers; the vocabulary is "t0" to "t31999"), FOLDER/tokens.jsonl has
128 windows of 2,048 tokens. Needs PyTorch; weights are drawn on the first GPU where there is one.
"""
import argparse
import json
import pathlib
import struct

import torch

HIDDEN, INTERMEDIATE, VOCAB, KV = 4096, 14336, 32000, 1024
SPREAD = 0.02


def shapes(n_layers):
    yield "model.embed_tokens.weight", (VOCAB, HIDDEN)
    for layer in range(n_layers):
        at = f"model.layers.{layer}."
        yield at + "input_layernorm.weight", (HIDDEN,)
        yield at + "self_attn.q_proj.weight", (HIDDEN, HIDDEN)
        yield at + "self_attn.k_proj.weight", (KV, HIDDEN)
        yield at + "self_attn.v_proj.weight", (KV, HIDDEN)
        yield at + "self_attn.o_proj.weight", (HIDDEN, HIDDEN)
        yield at + "post_attention_layernorm.weight", (HIDDEN,)
        yield at + "mlp.gate_proj.weight", (INTERMEDIATE, HIDDEN)
        yield at + "mlp.up_proj.weight", (INTERMEDIATE, HIDDEN)
        yield at + "mlp.down_proj.weight", (HIDDEN, INTERMEDIATE)
    yield "model.norm.weight", (HIDDEN,)
    yield "lm_head.weight", (VOCAB, HIDDEN)


def write_weights(path, n_layers):
    header, at = {}, 0
    for name, shape in shapes(n_layers):
        size = 2 * torch.Size(shape).numel()
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(1)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)))
        out.write(text)
        for _, shape in shapes(n_layers):
            if len(shape) == 1:
                values = torch.ones(shape, dtype=torch.bfloat16)
            else:
                values = torch.empty(shape, dtype=torch.bfloat16, device=device).normal_(0.0, SPREAD).cpu()
            out.write(values.view(torch.uint8).numpy().data)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--layers", type=int, default=32)
    arguments = parser.parse_args()
    model = arguments.folder / "model"
    model.mkdir(parents=True)
    config = {
        "architectures": ["MistralForCausalLM"], "model_type": "mistral", "vocab_size": VOCAB, "hidden_size": HIDDEN,
        "intermediate_size": INTERMEDIATE, "num_hidden_layers": arguments.layers, "num_attention_heads": 32,
        "num_key_value_heads": 8, "max_position_embeddings": 32768, "sliding_window": 4096, "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0, "hidden_act": "silu", "tie_word_embeddings": False,
    }
    (model / "config.json").write_text(json.dumps(config))
    tokenizer = {
        "model": {"type": "WordPiece", "unk_token": "t0", "continuing_subword_prefix": "##",
                  "vocab": {f"t{i}": i for i in range(VOCAB)}},
        "pre_tokenizer": {"type": "BertPreTokenizer"}, "decoder": {"type": "WordPiece"},
    }
    (model / "tokenizer.json").write_text(json.dumps(tokenizer))
    write_weights(model / "model.safetensors", arguments.layers)
    tokens = torch.randint(0, VOCAB, (128, 2048), generator=torch.Generator().manual_seed(2))
    with open(arguments.folder / "tokens.jsonl", "w", encoding="utf-8") as out:
        for window in tokens.tolist():
            out.write(json.dumps({"tokens": window}) + "\n")


if __name__ == "__main__":
    main()
