#!/usr/bin/env python3
"""A Llama of random weights with Mistral-7B's shapes and few layers, for speeds beyond the caches.

    python3 -m venv env && env/bin/pip install numpy gguf
    env/bin/python bench/make_mistral_shapes.py [--layers 4] mistral-shapes.f16.gguf
    llama-quantize mistral-shapes.f16.gguf mistral-shapes.q4_0.gguf Q4_0

What such a model says is noise; only its speed and its memory mean anything.
"""
import argparse

import gguf
import numpy

WIDTH, FEED_FORWARD, HEADS, KV_HEADS, HEAD, VOCABULARY = 4096, 14336, 32, 8, 128, 32000


def pieces():
    """Names, scores and types of a SentencePiece vocabulary: specials, bytes, then made-up words."""
    words = VOCABULARY - 259
    names = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)] + [f"w{i}" for i in range(words)]
    return names, [0.0] * 259 + [-float(i) for i in range(words)], [2, 3, 3] + [6] * 256 + [1] * words


def matrices(layers):
    yield "token_embd", VOCABULARY, WIDTH
    for layer in range(layers):
        at = f"blk.{layer}."
        yield at + "attn_q", HEADS * HEAD, WIDTH
        yield at + "attn_k", KV_HEADS * HEAD, WIDTH
        yield at + "attn_v", KV_HEADS * HEAD, WIDTH
        yield at + "attn_output", WIDTH, HEADS * HEAD
        yield at + "ffn_gate", FEED_FORWARD, WIDTH
        yield at + "ffn_up", FEED_FORWARD, WIDTH
        yield at + "ffn_down", WIDTH, FEED_FORWARD
    yield "output", VOCABULARY, WIDTH


def describe(writer, layers):
    writer.add_context_length(32768)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_dimension_count(HEAD)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(VOCABULARY)
    names, scores, types = pieces()
    writer.add_tokenizer_model("llama")
    writer.add_token_list(names)
    writer.add_token_scores(scores)
    writer.add_token_types(types)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("out")
    options = parser.parse_args()
    random = numpy.random.default_rng(1)
    writer = gguf.GGUFWriter(options.out, "llama")
    describe(writer, options.layers)
    for name, rows, columns in matrices(options.layers):
        values = random.standard_normal((rows, columns), dtype=numpy.float32) * 0.02
        writer.add_tensor(name + ".weight", values.astype(numpy.float16))
    norms = [f"blk.{layer}.{name}_norm" for layer in range(options.layers) for name in ("attn", "ffn")]
    for name in norms + ["output_norm"]:
        writer.add_tensor(name + ".weight", numpy.ones(WIDTH, numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
