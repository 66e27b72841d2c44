#!/usr/bin/env python3
"""Embeddings by nibble and by sentence-transformers: the same encoder folder, texts and core, CPU time, the two programs alternating.

    python3 -m venv env && env/bin/pip install sentence-transformers
    env/bin/python bench/encoder_peer.py --nibble build/release/nibble --encoder all-MiniLM-L6-v2 --corpus corpus.jsonl.gz

The first --documents documents, whole (cut at the encoder's limit by both), or with --sentences so many of their sentences as texts of their own. Both run on one core with one thread. Loading is not counted:
sentence-transformers is timed around encode() at batch size 32, from nibble's time the time for one document is taken off, so the
index file that it writes is counted, and rounding to a codec is not. Prints min / median / max in documents a second of CPU time, and the smallest cosine between
the vectors of both.
"""
import argparse
import gzip
import itertools
import json
import os
import pathlib
import re
import sqlite3
import statistics
import sys
import tempfile
import time

from one_core import child


def sentences_of(rows):
    for row in rows:
        for i, sentence in enumerate(re.split(r"(?<=[.!?])\s+", row["text"])):
            if len(sentence.split()) > 3:
                yield {"_id": f"{row['_id']}.{i}", "title": "", "text": sentence}


def texts_of(args, count):
    path = args.corpus
    with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8") as lines:
        rows = map(json.loads, lines)
        return list(itertools.islice(sentences_of(rows) if args.sentences else rows, count))


def peer_child(args):
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(1)
    model = SentenceTransformer(args.encoder, device="cpu")
    model.max_seq_length = 256
    texts = [(row.get("title", "") + " " + row["text"]).strip() for row in texts_of(args, args.documents)]
    model.encode(texts[:2])
    start = time.process_time()
    vectors = model.encode(texts, batch_size=32)
    seconds = time.process_time() - start
    print(json.dumps({"seconds": seconds, "vectors": {row["_id"]: vector.tolist() for row, vector in
                                                      zip(texts_of(args, args.documents), vectors)}}))


def index(args, way, count, folder):
    arithmetic, _, codec = way.partition(":")
    source, out = pathlib.Path(folder) / f"{count}.jsonl", pathlib.Path(folder) / f"{count}.rag"
    source.write_text("".join(json.dumps(row) + "\n" for row in texts_of(args, count)))
    out.unlink(missing_ok=True)
    seconds, _ = child([args.nibble, "rag", "index", source, "-o", out, "--encoder", args.encoder, "--passages", "whole",
                        "--arithmetic", arithmetic, *(["--encoder-codec", codec] if codec else []), "--threads", "1", "-q"], args.core)
    return seconds, out


def smallest_cosine(index_file, vectors):
    import numpy

    rows = sqlite3.connect(index_file).execute(
        "SELECT documents.name, passages.vector FROM passages JOIN documents ON documents.id = passages.document")
    cosines = []
    for name, blob in rows:
        ours, theirs = numpy.frombuffer(blob, "<f4"), numpy.array(vectors[name])
        cosines.append(float(ours @ theirs / numpy.linalg.norm(ours) / numpy.linalg.norm(theirs)))
    return min(cosines)


def spread(values):
    return f"{min(values):.1f} / **{statistics.median(values):.1f}** / {max(values):.1f}"


def compare(args):
    speeds, cosines = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(args.rounds):
            _, out = child([sys.executable, __file__, "--child", "--encoder", args.encoder, "--corpus", args.corpus,
                            "--documents", args.documents, *(["--sentences"] if args.sentences else [])], args.core)
            peer = json.loads(out.strip().splitlines()[-1])
            speeds.setdefault("sentence-transformers, float32", []).append(args.documents / peer["seconds"])
            for way in args.arithmetic.split(","):
                start, _ = index(args, way, 1, folder)
                seconds, file = index(args, way, args.documents, folder)
                speeds.setdefault(f"nibble, {way}", []).append((args.documents - 1) / (seconds - start))
                cosines[f"nibble, {way}"] = smallest_cosine(file, peer["vectors"])
    base = statistics.median(speeds["sentence-transformers, float32"])
    what = "sentences" if args.sentences else "documents"
    print(f"| Program | {what} a CPU second | Ratio | Smallest cosine |\n|---|---|---|---|")
    for name, values in speeds.items():
        cosine = f"{cosines[name]:.6f}" if name in cosines else ""
        print(f"| {name} | {spread(values)} | {statistics.median(values) / base:.2f} | {cosine} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nibble", default="build/release/nibble")
    parser.add_argument("--encoder", required=True, help="folder of the encoder, which both programs read")
    parser.add_argument("--corpus", required=True, help="JSON lines with _id, title and text")
    parser.add_argument("--documents", type=int, default=200)
    parser.add_argument("--sentences", action="store_true", help="--documents counts sentences of the documents")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--arithmetic", default="f32,native", help="of nibble, with a codec of the encoder's weights behind a colon; several with commas")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    peer_child(args) if args.child else compare(args)


if __name__ == "__main__":
    main()
