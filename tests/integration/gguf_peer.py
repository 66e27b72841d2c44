#!/usr/bin/env python3
"""Loads the GGUF files that nibble writes with llama.cpp, and compares them with those of llama-quantize.

    NIBBLE_LLAMA_CPP=FOLDER gguf_peer.py NIBBLE MODEL [--imatrix FILE] [PRESET…]

FOLDER holds llama-quantize and llama-completion; MODEL is a GGUF file that llama-quantize takes (F32 or F16 where no difference is to
come from the source) or a Hugging Face folder, of which nibble makes one. Of each preset both programs write a file. Compared are the
types of all tensors, which must be equal, and their bytes, of which 98 % must be (the search may tie, and compilers contract a*b+c
differently). The file of nibble must also answer a prompt in llama.cpp with the very text of llama-quantize's own, where all bytes are
equal, and open in gguf-py where that is installed. With --imatrix both programs weigh by that file.
Exit status 77, which CTest takes for a skip, when llama.cpp or MODEL is missing.
"""
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

PRESETS = ["q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q2_k", "q3_k_m", "q4_k_m", "q5_k_m", "q6_k", "iq4_nl"]
SIZES = {0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 10: (256, 84), 11: (256, 110),
         12: (256, 144), 13: (256, 176), 14: (256, 210), 20: (32, 18), 23: (256, 136), 30: (1, 2)}
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}


class Gguf:
    """The least of a reader: names, shapes, types and bytes."""

    def __init__(self, path):
        self.data = path.read_bytes()
        assert self.data[:4] == b"GGUF"
        self.at = 8
        n_tensors, n_keys = self.take("QQ")
        self.keys = {}
        for _ in range(n_keys):
            key = self.text()
            self.keys[key] = self.value(self.take("I")[0])
        entries = []
        for _ in range(n_tensors):
            name, n_dims = self.text(), self.take("I")[0]
            entries.append((name, self.take("Q" * n_dims), *self.take("IQ")))
        alignment = self.keys.get("general.alignment", 32)
        start = (self.at + alignment - 1) // alignment * alignment
        self.tensors = {}
        for name, dims, kind, offset in entries:
            weights, size = SIZES[kind]
            n = 1
            for dim in dims:
                n *= dim
            self.tensors[name] = (kind, dims, self.data[start + offset:start + offset + n // weights * size])

    def take(self, form):
        out = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return out

    def text(self):
        n = self.take("Q")[0]
        self.at += n
        return self.data[self.at - n:self.at].decode("utf-8", "replace")

    def value(self, kind):
        if kind == 8:
            return self.text()
        if kind == 9:
            inner, n = self.take("IQ")
            return [self.value(inner) for _ in range(n)]
        return self.take(SCALARS[kind])[0]


def run(*arguments):
    return subprocess.run([str(a) for a in arguments], check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL).stdout


def answer(peer, model):
    return run(peer / "llama-completion", "-m", model, "-p", "The capital of France is", "-n", 16, "--temp", 0, "-no-cnv", "-t", 2)


def equal_share(ours, theirs):
    equal = total = 0
    for name, (_, _, mine) in ours.tensors.items():
        other = theirs.tensors[name][2]
        total += len(mine)
        equal += len(mine) if mine == other else sum(a == b for a, b in zip(mine, other))
    return equal / total


def compare(peer, nibble, source, work, preset, weighed):
    ours, theirs = work / f"ours-{preset}.gguf", work / f"theirs-{preset}.gguf"
    run(nibble, "quantize", "-q", source, "-r", f"gguf-{preset}", *weighed, "-o", ours)
    run(peer / "llama-quantize", "--allow-requantize", *weighed, source, theirs, preset.upper(), 2)
    a, b = Gguf(ours), Gguf(theirs)
    kinds = {n: t[:2] for n, t in a.tensors.items()} == {n: t[:2] for n, t in b.tensors.items()}
    share = equal_share(a, b) if kinds else 0.0
    texts = answer(peer, ours), answer(peer, theirs)
    good = kinds and share >= 0.98 and len(texts[0]) > 0 and (share < 1 or texts[0] == texts[1])
    print(f"{'ok  ' if good else 'FAIL'} {preset}: types {'equal' if kinds else 'DIFFER'}, {100 * share:.4f} % of the bytes equal, "
          f"answers {'equal' if texts[0] == texts[1] else 'differ'}", flush=True)
    try:
        import gguf
        assert len(gguf.GGUFReader(str(ours)).tensors) == len(a.tensors)
    except ImportError:
        print("     gguf-py is not installed")
    ours.unlink()
    theirs.unlink()
    return good


def main():
    peer = pathlib.Path(os.environ.get("NIBBLE_LLAMA_CPP", "/nowhere"))
    source = pathlib.Path(sys.argv[2])
    if not (peer / "llama-quantize").exists() or not source.exists():
        print(f"skipped: needs llama-quantize in NIBBLE_LLAMA_CPP ({peer}) and the model {source}")
        return 77
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(temporary)
        if source.is_dir():
            run(sys.argv[1], "convert", "-q", source, "-o", work / "source.gguf", "--to", "gguf")
            source = work / "source.gguf"
        rest = sys.argv[3:]
        weighed = rest[:2] if rest[:1] == ["--imatrix"] else []
        presets = rest[len(weighed):] or PRESETS
        results = [compare(peer, sys.argv[1], source, work, preset, weighed) for preset in presets]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
