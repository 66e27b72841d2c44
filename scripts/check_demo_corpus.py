#!/usr/bin/env python3
"""Check the demo corpus in examples/demo.

Usage: check_demo_corpus.py [DIRECTORY]

Prints one line per fault to standard error and exits 1 if there is any;
otherwise prints a summary and exits 0. Standard library only.
"""

import json
import re
import sys
from collections import Counter
from pathlib import Path

N_PASSAGES = 60
QUESTIONS_PER_PASSAGE = 3
CHOICES_PER_PASSAGE = 2
MIN_WORDS, MAX_WORDS = 150, 250
MAX_ANSWER_WORDS = 5
N_CHOICES = 4
GOLD_TOLERANCE = 3
SHINGLE = 8
MAX_CHOICE_RATIO = 3.0  # longest choice against shortest, in characters
MAX_EXTREME_SHARE = 0.40  # items whose right choice alone is longest (shortest)

# Capitalised words that several passages may use: titles, calendar words,
# kinds of place, and other ordinary English. An invented name never belongs
# here.
COMMON_CAPITALS = set(
    """
    January February March April May June July August September October
    November December Monday Tuesday Wednesday Thursday Friday Saturday Sunday
    Easter Lent Christmas English Latin
    I Mr Mrs Ms Miss Misses Dr Sir Lady Lord Saint Professor Captain Doctor
    Mother Father Brother Sister Old Young Upper Lower North South East West
    Little Great Grand Big New Long Black White Red Blue Green
    River Lake Mount Mountain Cape Bay Sound Island Islands Valley Port Bridge
    Lock Street Lane Hill House Hall Hotel Station Farm Park Gate Bank Field
    Museum College University Foundation Guild Society Institute Company
    Council Court Academy Office Ministry Bureau Order Commission Board Club
    Medal Cup Prize Treaty Act War Day Night Article Section Rule Room Case
    Duchess Duke Bishop Judge Mayor Justice Queen King Prince Princess
    Bulletin Card Celsius Climbing Collectors Countess Crossing Don Eel Fort
    Founder Glacier Leaflet Lot Monsieur Owners Programme Rooms Supper
    Nine Third Point Number Note Notice Report Opera Borrowed All Do Each First
    How Look Next Only Our Owing Play Please Since Today Turn What Would
    A An The He She It They We You This That These Those One Two Three In On
    At Of And But For From No Not To If When Its His Her Their There
    """.split()
)

# Answers from small sets, which a lucky guess could hit.
GUESSABLE = set(
    """
    yes no true false one two three four five six seven eight nine ten eleven
    twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty
    black white red blue green yellow orange purple violet brown grey gray pink
    gold silver january february march april may june july august september
    october november december monday tuesday wednesday thursday friday saturday
    sunday spring summer autumn winter north south east west
    """.split()
)

faults = []


def fault(message):
    faults.append(message)


def load(path, fields):
    rows = []
    try:
        raw = path.read_bytes()
    except OSError as error:
        fault(f"{path.name}: cannot be read: {error}")
        return rows
    for number, line in enumerate(raw.split(b"\n"), 1):
        if number == len(raw.split(b"\n")) and not line:
            continue  # the newline that ends the file
        where = f"{path.name}:{number}"
        try:
            text = line.decode("ascii")
        except UnicodeDecodeError:
            fault(f"{where}: not plain ASCII")
            continue
        try:
            row = json.loads(text)
        except ValueError as error:
            fault(f"{where}: not JSON: {error}")
            continue
        if not isinstance(row, dict) or set(row) != set(fields):
            fault(f"{where}: the fields must be exactly {', '.join(fields)}")
            continue
        bad = [k for k, kind in fields.items() if type(row[k]) is not kind]
        if bad:
            fault(f"{where}: wrong type in {', '.join(bad)}")
            continue
        for string in strings_of(row):
            if not string.isascii() or not string.isprintable():
                fault(f"{where}: not printable ASCII: {string!r}")
            if string != string.strip() or not string or "  " in string:
                fault(f"{where}: empty string or stray spaces: {string!r}")
        rows.append(row)
    if raw and not raw.endswith(b"\n"):
        fault(f"{path.name}: no newline at the end")
    return rows


def strings_of(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from strings_of(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings_of(item)


def words(text):
    return re.findall(r"[a-z0-9]+(?:[.,:'][a-z0-9]+)*", text.lower())


def holds(text, span):
    """Whether span's words occur in order, together, in text."""
    return f" {' '.join(words(span))} " in f" {' '.join(words(text))} "


def occurs_verbatim(text, span):
    """Whether span occurs in text, letter for letter, at word boundaries."""
    return re.search(r"(?<![A-Za-z0-9])" + re.escape(span) + r"(?![A-Za-z0-9])", text)


def check_ids(name, rows, pattern):
    for number, row in enumerate(rows, 1):
        if row["id"] != pattern % number:
            fault(f"{name}: row {number} has id {row['id']}, not {pattern % number}")
    for key, count in Counter(row["id"] for row in rows).items():
        if count > 1:
            fault(f"{name}: id {key} is used {count} times")


def check_references(name, rows, passages, per_passage):
    counts = Counter(row["passage"] for row in rows)
    for key in sorted(set(counts) - set(passages)):
        fault(f"{name}: no such passage: {key}")
    for key in passages:
        if counts[key] != per_passage:
            fault(f"{name}: passage {key} has {counts[key]} rows, not {per_passage}")
    for text, count in Counter(row["question"] for row in rows).items():
        if count > 1:
            fault(f"{name}: the same question {count} times: {text}")
    for row in rows:
        if not row["question"].endswith("?"):
            fault(f"{row['id']}: the question does not end in '?'")


def check_passages(rows):
    for title, count in Counter(row["title"] for row in rows).items():
        if count > 1:
            fault(f"passages: the same title {count} times: {title}")
    shingles = {}
    capitals = {}
    for row in rows:
        count = len(row["text"].split())
        if not MIN_WORDS <= count <= MAX_WORDS:
            fault(f"{row['id']}: {count} words, not {MIN_WORDS} to {MAX_WORDS}")
        tokens = words(row["text"])
        own = {tuple(tokens[i : i + SHINGLE]) for i in range(len(tokens) - SHINGLE + 1)}
        for shingle in own:
            shingles.setdefault(shingle, []).append(row["id"])
        lower = set(re.findall(r"\b[a-z]+\b", row["text"]))
        for word in set(re.findall(r"\b[A-Z][a-z]+\b", row["title"] + " " + row["text"])):
            if word.lower() not in lower:
                capitals.setdefault(word, []).append(row["id"])
    for shingle, ids in sorted(shingles.items()):
        if len(ids) > 1:
            fault(f"{', '.join(ids)}: shared words: {' '.join(shingle)}")
    for word, ids in sorted(capitals.items()):
        if len(ids) > 1 and word not in COMMON_CAPITALS:
            fault(f"{', '.join(ids)}: a name is shared: {word}")


def check_questions(rows, passages):
    for row in rows:
        key, answers = row["id"], row["answers"]
        if not answers or not all(type(a) is str for a in answers):
            fault(f"{key}: answers must be one or more strings")
            continue
        if len({a.lower() for a in answers}) != len(answers):
            fault(f"{key}: an answer is given twice")
        for answer in answers:
            if not 1 <= len(answer.split()) <= MAX_ANSWER_WORDS:
                fault(f"{key}: the answer is not 1 to {MAX_ANSWER_WORDS} words: {answer}")
            if holds(row["question"], answer):
                fault(f"{key}: the question contains the answer: {answer}")
        if answers[0].lower() in row["question"].lower():
            fault(f"{key}: the question contains the answer: {answers[0]}")
        for answer in answers:
            if answer.lower() in GUESSABLE:
                fault(f"{key}: an answer open to guessing: {answer}")
        if row["passage"] in passages:
            text = passages[row["passage"]]["text"]
            if not occurs_verbatim(text, answers[0]):
                fault(f"{key}: not verbatim in {row['passage']}: {answers[0]}")
            if answers[0].isdigit() and int(answers[0]) < 20:
                fault(f"{key}: a number below 20 without a unit: {answers[0]}")
    # An answer that is right for two passages would be open to a lucky guess.
    for answer, count in Counter(r["answers"][0].lower() for r in rows if r["answers"]).items():
        if count > 1:
            fault(f"questions: {count} questions share the answer: {answer}")


def check_choices(rows, passages):
    gold = Counter()
    longest = shortest = 0
    for row in rows:
        key, choices, answer = row["id"], row["choices"], row["answer"]
        if len(choices) != N_CHOICES or not all(type(c) is str for c in choices):
            fault(f"{key}: there must be {N_CHOICES} choices, all strings")
            continue
        if len({" ".join(words(c)) for c in choices}) != N_CHOICES:
            fault(f"{key}: the choices are not distinct: {choices}")
        if not 0 <= answer < N_CHOICES:
            fault(f"{key}: answer {answer} is not 0 to {N_CHOICES - 1}")
            continue
        gold[answer] += 1
        sizes = [len(c) for c in choices]
        if max(sizes) > MAX_CHOICE_RATIO * min(sizes):
            fault(f"{key}: choices of unlike length: {choices}")
        others = sizes[:answer] + sizes[answer + 1 :]
        longest += sizes[answer] > max(others)
        shortest += sizes[answer] < min(others)
        if holds(row["question"], choices[answer]):
            fault(f"{key}: the question contains the answer: {choices[answer]}")
        if row["passage"] in passages and not holds(passages[row["passage"]]["text"], choices[answer]):
            fault(f"{key}: the right choice is not in {row['passage']}: {choices[answer]}")
    for index in range(N_CHOICES):
        if abs(gold[index] - len(rows) / N_CHOICES) > GOLD_TOLERANCE:
            fault(f"choices: index {index} is right {gold[index]} times, too far from {len(rows) / N_CHOICES:g}")
    for kind, count in (("longest", longest), ("shortest", shortest)):
        if count > MAX_EXTREME_SHARE * len(rows):
            fault(f"choices: the right choice alone is the {kind} in {count} of {len(rows)} items")
    return gold, longest, shortest


def main():
    root = Path(__file__).resolve().parent.parent / "examples" / "demo"
    if len(sys.argv) > 1:
        root = Path(sys.argv[1])
    passages = load(root / "passages.jsonl", {"id": str, "title": str, "text": str})
    questions = load(
        root / "questions.jsonl",
        {"id": str, "passage": str, "question": str, "answers": list},
    )
    choices = load(
        root / "choices.jsonl",
        {"id": str, "passage": str, "question": str, "choices": list, "answer": int},
    )
    for name, rows, expected in (
        ("passages", passages, N_PASSAGES),
        ("questions", questions, N_PASSAGES * QUESTIONS_PER_PASSAGE),
        ("choices", choices, N_PASSAGES * CHOICES_PER_PASSAGE),
    ):
        if len(rows) != expected:
            fault(f"{name}: {len(rows)} rows, not {expected}")
    check_ids("passages", passages, "p%02d")
    check_ids("questions", questions, "q%03d")
    check_ids("choices", choices, "c%03d")
    by_id = {row["id"]: row for row in passages}
    check_passages(passages)
    check_references("questions", questions, by_id, QUESTIONS_PER_PASSAGE)
    check_references("choices", choices, by_id, CHOICES_PER_PASSAGE)
    check_questions(questions, by_id)
    gold, longest, shortest = check_choices(choices, by_id)
    readme = root / "README.md"
    if not readme.is_file():
        fault("README.md: missing")
    elif not readme.read_bytes().isascii():
        fault("README.md: not plain ASCII")

    for message in faults:
        print(message, file=sys.stderr)
    if faults:
        print(f"{len(faults)} faults", file=sys.stderr)
        return 1
    counts = [len(row["text"].split()) for row in passages]
    spread = "/".join(str(gold[i]) for i in range(N_CHOICES))
    print(
        f"ok: {len(passages)} passages ({min(counts)} to {max(counts)} words, "
        f"{sum(counts)} in all), {len(questions)} questions, {len(choices)} choices "
        f"(gold {spread}; alone longest {longest}, alone shortest {shortest})"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
