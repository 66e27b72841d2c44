#!/usr/bin/env python3
"""kl512 of nibble beside that of llama.cpp: the same two files, windows and positions.

    divergence_peer.py NIBBLE REFERENCE.gguf [--variant VARIANT.gguf | --recipe RECIPE] [--text FILE] [--windows 2]

Without a variant REFERENCE is quantized by RECIPE (default gguf-q3_k_m). The windows are those of `perplexity --kl-divergence`: 512
tokens, distributions 256 to 510 compared, log-probabilities of the reference kept in 16 bits that reach 16 nats below the largest
logit, probabilities below e^-16 left out; the logits are those of llama.cpp's library. Both files are compared as they are and with every tensor
dequantized to float32 by gguf-py, so that llama.cpp's rounding of activations can be told from the protocol:

  float32    nibble's f32 arithmetic on the files, llama.cpp on the dequantized ones: at most 0.5 % apart, top tokens at most one apart
  native     nibble's native arithmetic and llama.cpp, both on the files: told, at most 10 % apart

Exit status 77, which CTest takes for a skip, when a package or REFERENCE is missing: gguf, llama-cpp-py-sync or llama-cpp-cffi.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

try:
    import numpy as np
    from llama_logits import LlamaCpp, dequantized_copy
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

LENGTH, FIRST, LAST = 512, 256, 511
REACH = 16.0  # nats
CHARACTERS = 8000  # of text for a window; more than its tokens have
DEMO = pathlib.Path(__file__).parents[2] / "examples/demo/passages.jsonl"


def run(*arguments):
    return subprocess.run([str(a) for a in arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def kept_log_probs(logits):
    """The reference's log-probabilities [rows, vocabulary] as llama.cpp's file gives them back."""
    top = logits.max(-1, keepdims=True)
    least = np.maximum(logits.min(-1, keepdims=True), top - REACH)
    log_sum = np.log(np.exp((logits - top).astype(np.float64)).sum(-1, keepdims=True))
    step = (top - least) / 65535.0
    codes = np.where(logits > least, np.rint((logits - least) / step), 0.0)
    return step * codes + (least - top - log_sum)


def divergences(reference, logits):
    """Of each row, and whether the most probable tokens agree."""
    base = kept_log_probs(reference)
    top = logits.max(-1, keepdims=True)
    log_probs = logits - top - np.log(np.exp((logits - top).astype(np.float64)).sum(-1, keepdims=True))
    terms = np.where(base > -REACH, np.exp(base) * (base - log_probs), 0.0)
    return terms.sum(-1), base.argmax(-1) == logits.argmax(-1)


def by_llama_cpp(reference, variant, text, n_windows):
    peers = [LlamaCpp(reference, LENGTH), LlamaCpp(variant, LENGTH)]
    ids = peers[0].tokens(text)
    kl, same = [], []
    for w in range(n_windows):
        window = ids[w * LENGTH:(w + 1) * LENGTH]
        if len(window) < LENGTH:
            sys.exit(f"the text has {len(ids)} tokens, wanted {n_windows * LENGTH}")
        if peers[0].adds_bos():
            window[0] = peers[0].bos()
        rows = [peer.logits(window)[FIRST:LAST] for peer in peers]
        found = divergences(*rows)
        kl.extend(found[0])
        same.extend(found[1])
    for peer in peers:
        peer.close()
    return float(np.mean(kl)), int(np.sum(same)), len(kl)


def by_nibble(nibble, reference, variant, text_file, n_windows, arithmetic):
    document = json.loads(run(nibble, "eval", "-q", variant, "--reference", reference, "-t", f"kl512:{text_file.name}", "-d", text_file.parent,
                              "-L", n_windows, "--arithmetic", arithmetic, "--json"))
    scores = {metric["name"]: metric["value"] for metric in document["tasks"][0]["metrics"]}
    return scores["kl"], round(scores["top1_agreement"] * n_windows * (LAST - FIRST))


def read_text(path):
    if path.suffix != ".jsonl":
        return path.read_text()
    return "\n\n".join(json.loads(line)["text"] for line in path.read_text().splitlines())


def compare(options, work):
    variant = options.variant or work / "variant.gguf"
    if options.variant is None:
        run(options.nibble, "quantize", "-q", options.reference, "-r", options.recipe, "-o", variant)
    text = read_text(options.text or DEMO)[:CHARACTERS * options.windows]
    text_file = work / "text.txt"
    text_file.write_text(text)
    plain = [dequantized_copy(file, work / f"plain{i}.gguf") for i, file in enumerate((options.reference, variant))]
    faults = 0
    for name, arithmetic, files, most in (("float32", "f32", plain, 0.005), ("native", "native", (options.reference, variant), 0.1)):
        ours, our_tops = by_nibble(options.nibble, options.reference, variant, text_file, options.windows, arithmetic)
        theirs, their_tops, n = by_llama_cpp(*files, text, options.windows)
        apart = abs(ours - theirs) / theirs
        good = apart <= most and (arithmetic != "f32" or abs(our_tops - their_tops) <= 1)
        faults += not good
        print(f"{'ok  ' if good else 'FAIL'} {name}: nibble {ours:.6f}, llama.cpp {theirs:.6f} nats a token, {100 * apart:.3f} % apart; "
              f"top tokens agree at {our_tops} and {their_tops} of {n}", flush=True)
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nibble", type=lambda p: pathlib.Path(p).absolute())
    parser.add_argument("reference", type=pathlib.Path)
    parser.add_argument("--variant", type=pathlib.Path)
    parser.add_argument("--recipe", default="gguf-q3_k_m")
    parser.add_argument("--text", type=pathlib.Path)
    parser.add_argument("--windows", type=int, default=2)
    options = parser.parse_args()
    if not options.reference.exists():
        print(f"skipped: {options.reference} is not there")
        return 77
    with tempfile.TemporaryDirectory() as temporary:
        return 1 if compare(options, pathlib.Path(temporary)) else 0


if __name__ == "__main__":
    sys.exit(main())
