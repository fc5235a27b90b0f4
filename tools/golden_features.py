#!/usr/bin/env python3
"""Makes tests/task/golden/features.jsonl: what Hugging Face's tokenizers make of pairs, words, and questions with contexts.

    python3 tools/golden_features.py        needs tokenizers

A case is a line, an object; the first has the vocabulary's pieces.

    "is" pair     a, b (null: none), max; ids, second (where segment 1 begins)
    "is" words    words, max; ids, rows
    "is" span     question, context, answer (null: none), begin, max, query, stride; windows: each ids, second, spans (bytes of
                  each piece of the context), own (from which to before which of them this window has most context), start,
                  end

Truncation, overlap and where pieces come from are the library's; gold rows are found as in transformers' run_qa.py, and
most context as in its run_squad.py.
"""
import json
import pathlib
import random

from compare_tokenizers import SPECIAL, peer
from tokenizers.processors import BertProcessing

random.seed(20207)
SYLLABLES = ["ab", "ba", "cad", "de", "e", "f"]
MARKS = [",", ".", "'", "-", "漢", "é", "한국"]
PIECES = SPECIAL + SYLLABLES + ["##" + s for s in SYLLABLES] + ["deba", "##cadab", "한국", "##한국", "e", ",", ".", "'", "漢"]
PIECES = list(dict.fromkeys(PIECES))
VOCAB = {piece: i for i, piece in enumerate(PIECES)}


def fresh():
    tokenizer = peer(VOCAB, True, True)
    tokenizer.post_processor = BertProcessing(("[SEP]", VOCAB["[SEP]"]), ("[CLS]", VOCAB["[CLS]"]))
    return tokenizer


def word():
    return "".join(random.choice(SYLLABLES) for _ in range(random.randint(1, 4)))


def text(words):
    parts = []
    for _ in range(words):
        parts.append(word() if random.random() < 0.8 else random.choice(MARKS) + random.choice(["", word()]))
        parts.append(random.choice([" ", " ", " ", "  ", ""]))
    return "".join(parts)


def second_of(types):
    return types.index(1) if 1 in types else len(types)


def pair(a, b, most):
    tokenizer = fresh()
    tokenizer.enable_truncation(most, strategy="longest_first")
    encoded = tokenizer.encode(a) if b is None else tokenizer.encode(a, b)
    return {"is": "pair", "a": a, "b": b, "max": most, "ids": encoded.ids, "second": second_of(encoded.type_ids)}


def words(count, most):
    tokenizer = fresh()
    tokenizer.enable_truncation(most)
    listed = [word().upper() if random.random() < 0.2 else word() + random.choice(["", "", ".", "é", "漢"]) for _ in range(count)]
    encoded = tokenizer.encode(listed, is_pretokenized=True)
    numbers = encoded.word_ids
    rows = [i for i, n in enumerate(numbers) if n is not None and n != numbers[i - 1]]
    return {"is": "words", "words": listed, "max": most, "ids": encoded.ids, "rows": rows}


def is_max_context(windows, number, piece):
    best, most = None, None
    for i, (begin, end) in enumerate(windows):
        if begin <= piece < end:
            score = min(piece - begin, end - 1 - piece) + 0.01 * (end - begin)
            if best is None or score > most:
                best, most = i, score
    return best == number


def span(question, context, answer, begin, most, query, stride):
    tokenizer = fresh()
    cut = tokenizer.encode(question, add_special_tokens=False)
    room = most - min(query, len(cut.ids)) - 3
    end = begin + len(answer or "")
    kept = question[: cut.offsets[query - 1][1]] if len(cut.ids) > query else question
    tokenizer.enable_truncation(most, stride=room - stride, strategy="only_second")
    encoded = tokenizer.encode(kept, context)
    windows = []
    for window in [encoded] + encoded.overflowing:
        inside = [i for i, s in enumerate(window.sequence_ids) if s == 1]
        first, last = inside[0], inside[-1]
        start_row = end_row = 0
        if answer is not None and window.offsets[first][0] <= begin and window.offsets[last][1] >= end:
            start_row = max(i for i in inside if window.offsets[i][0] <= begin)
            end_row = min(i for i in inside if window.offsets[i][1] >= end)
        to_bytes = lambda at: len(context[:at].encode())
        windows.append({"ids": window.ids, "second": second_of(window.type_ids), "start": start_row, "end": end_row,
                        "spans": [[to_bytes(at) for at in window.offsets[i]] for i in inside]})
    whole = fresh().encode(context, add_special_tokens=False)
    places, at = [], 0
    for window in windows:
        count = len(window["spans"])
        places.append((at, at + count))
        at += stride
    assert places[-1][1] == len(whole.ids)
    for number, (window, place) in enumerate(zip(windows, places)):
        own = [piece - place[0] for piece in range(*place) if is_max_context(places, number, piece)]
        assert own == list(range(own[0], own[-1] + 1)) if own else True
        window["own"] = [own[0], own[-1] + 1] if own else [0, 0]
    return {"is": "span", "question": question, "context": context, "answer": answer, "begin": len(context[:begin].encode()),
            "max": most, "query": query, "stride": stride, "windows": windows}


def answered(words_in_question, words_in_context, most, query, stride):
    context = text(words_in_context)
    places = fresh().encode(context, add_special_tokens=False).offsets
    first = random.randrange(len(places))
    last = min(len(places) - 1, first + random.randrange(4))
    begin, end = places[first][0], places[last][1]
    if random.random() < 0.2:
        return span(text(words_in_question), context, None, 0, most, query, stride)
    if end - begin > 2 and random.random() < 0.3:  # not along the borders of pieces
        begin, end = begin + 1, end - 1
        if context[begin] == " " or context[end - 1] == " ":
            begin, end = places[first][0], places[last][1]
    return span(text(words_in_question), context, context[begin:end], begin, most, query, stride)


def main():
    cases = [{"is": "vocab", "pieces": PIECES}]
    for count in (1, 3, 9, 20):
        cases.append(pair(text(count), None, 16))
    for x, y in ((2, 3), (9, 1), (1, 9), (9, 9), (30, 12), (12, 30), (8, 7)):
        cases.append(pair(text(x), text(y), 21))  # an even room, where the library's rule for ties is the usual one
    for count in (1, 5, 12, 25):
        cases.append(words(count, 24))
    for _ in range(24):
        cases.append(answered(random.randint(1, 6), random.randint(1, 60), random.choice([24, 32, 41]), 6, random.choice([3, 5, 11])))
    path = pathlib.Path(__file__).parent.parent / "tests/task/golden/features.jsonl"
    with open(path, "w", encoding="utf-8", newline="\n") as out:
        for case in cases:
            out.write(json.dumps(case, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
