#!/usr/bin/env python3
"""Runs the GGUF files that nibble writes with llama.cpp: every family, its logits beside those of Transformers and of nibble.

    gguf_logits.py NIBBLE [FAMILY…]

Of each family Transformers makes a small random model (norms and biases random, too). Compared are

  plain      the file in float32: llama.cpp's logits and Transformers', at most 1e-3 apart
  blocks     a file with the types of a preset, dequantized by gguf-py: llama.cpp's log-probabilities of characters and nibble's on the
             file itself, at most 1e-3 apart
  itself     llama.cpp on that file itself, whose products round activations to 8 bits: within 5 % of the logits' size

5e-3 with Gemma's GELU, which ggml looks up in half precision. A family that this llama.cpp does not know is told and passed over.
Exit status 77, which CTest takes for a skip, when a package is missing: torch, transformers, gguf, llama-cpp-py-sync or llama-cpp-cffi.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ["CUDA_VISIBLE_DEVICES"] = ""
try:
    import numpy as np
    import torch
    import transformers
    from llama_logits import LlamaCpp, UnknownFamily, dequantized_copy, log_softmax
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

SHAPE = {"hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 2, "num_attention_heads": 8, "num_key_value_heads": 2,
         "head_dim": 32, "vocab_size": 288, "max_position_embeddings": 256, "initializer_range": 0.08}
FAMILIES = {
    "llama": (transformers.LlamaConfig, {"rope_parameters": {"rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0,
                                                             "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                                                             "original_max_position_embeddings": 64}}),
    "qwen2": (transformers.Qwen2Config, {"tie_word_embeddings": False}),
    "qwen3": (transformers.Qwen3Config, {"tie_word_embeddings": True}),
    # Seven layers, so that the sixth looks at everything and the others at the last 16 tokens.
    "gemma3": (transformers.Gemma3TextConfig, {"num_hidden_layers": 7, "query_pre_attn_scalar": 32, "sliding_window": 16}),
}
TOLERANCE = {"gemma3": 5e-3}  # ggml's GELU is looked up in half precision
PRESETS = ["q8_0", "q4_k_m", "q3_k_m", "iq4_nl"]
TEXTS = ["a small model, made up at random", "numbers 0123456789 and signs (+-*/)", "zzzzzzzz", "Capital Letters ARE here"]
CHARACTERS = [chr(c) for c in range(32, 127)]


def byte_alphabet():
    """GPT-2's: a printable character for each byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in plain]
    return {b: chr(b) for b in plain} | {b: chr(256 + i) for i, b in enumerate(others)}


ALPHABET = byte_alphabet()


def ids_of(text):
    """Of ASCII text: one token a character."""
    return [ord(c) for c in text]


def make_model(folder, family):
    torch.manual_seed(3)
    make_config, more = FAMILIES[family]
    config = make_config(**(SHAPE | more))
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager").float().eval()
    for name, parameter in model.named_parameters():
        if parameter.dim() == 1:
            parameter.data += 0.2 * torch.randn_like(parameter)
    model.save_pretrained(folder)
    vocabulary = {ALPHABET[b]: b for b in range(256)} | {ALPHABET[0] + ALPHABET[1]: 256}
    (folder / "tokenizer.json").write_text(json.dumps({
        "model": {"type": "BPE", "vocab": vocabulary, "merges": [f"{ALPHABET[0]} {ALPHABET[1]}"]},
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "decoder": {"type": "ByteLevel"}}))
    return model


def run(*arguments, text=None):
    return subprocess.run([str(a) for a in arguments], check=True, stdout=subprocess.PIPE, text=True, input=text).stdout


def by_nibble(nibble, file):
    """Log-probability of each character behind each text, [texts, characters]."""
    requests = [{"id": [t, c], "context": text, "continuation": character}
                for t, text in enumerate(TEXTS) for c, character in enumerate(CHARACTERS)]
    lines = run(nibble, "score", "-q", file, "--requests", "-", "--arithmetic", "f32", "--kv", "f32",
                text="".join(json.dumps(r) + "\n" for r in requests))
    out = np.full((len(TEXTS), len(CHARACTERS)), np.nan)
    for line in lines.splitlines():
        answer = json.loads(line)
        assert answer["n_tokens"] == 1, "a character that is no token"
        out[tuple(answer["id"])] = answer["logprob"]
    return out


def by_llama_cpp(file):
    """Logits behind the last token of each text, [texts, vocabulary]."""
    peer = LlamaCpp(file)
    out = np.stack([peer.logits(ids_of(text))[-1] for text in TEXTS])
    peer.close()
    return out


def check_plain(nibble, folder, work, family, model):
    file = work / "plain.gguf"
    run(nibble, "convert", "-q", folder, "--to", "gguf", "-o", file)
    peer, worst, size = LlamaCpp(file), 0.0, 0.0
    for text in TEXTS:
        with torch.no_grad():
            wanted = model(torch.tensor([ids_of(text)])).logits[0].numpy()
        worst = max(worst, float(np.abs(peer.logits(ids_of(text)) - wanted).max()))
        size = max(size, float(np.abs(wanted).max()))
    peer.close()
    return worst <= TOLERANCE.get(family, 1e-3), f"f32: logits up to {size:.1f}, llama.cpp and Transformers {worst:.1e} apart"


def check_blocks(nibble, folder, work, family, preset):
    file = work / f"{preset}.gguf"
    run(nibble, "quantize", "-q", folder, "-r", f"gguf-{preset}", "-o", file)
    plain = by_llama_cpp(dequantized_copy(file, work / f"{preset}-f32.gguf"))
    itself = by_llama_cpp(file)
    wanted = log_softmax(plain)[:, ids_of("".join(CHARACTERS))]
    worst = float(np.abs(by_nibble(nibble, file) - wanted).max())
    rounding = float(np.linalg.norm(itself - plain) / np.linalg.norm(plain))
    return (worst <= TOLERANCE.get(family, 1e-3) and rounding <= 0.05,
            f"{preset}: log-probabilities of llama.cpp and nibble {worst:.1e} apart; llama.cpp on the blocks {100 * rounding:.2f} % off")


def main():
    nibble, faults = pathlib.Path(sys.argv[1]).absolute(), 0
    for family in sys.argv[2:] or FAMILIES:
        with tempfile.TemporaryDirectory() as temporary:
            work = pathlib.Path(temporary)
            folder = work / "model"
            model = make_model(folder, family)
            checks = [lambda: check_plain(nibble, folder, work, family, model)]
            checks += [lambda preset=preset: check_blocks(nibble, folder, work, family, preset) for preset in PRESETS]
            for check in checks:
                try:
                    good, text = check()
                except UnknownFamily as unknown:
                    print(f"     {family} was not run: {unknown}", flush=True)
                    break
                faults += not good
                print(f"{'ok  ' if good else 'FAIL'} {family} {text}", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
