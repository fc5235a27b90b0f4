#!/usr/bin/env python3
"""Makes tests/task/golden/: random and degenerate predictions, and what the official scorers say of them.

    python3 tools/golden_metrics.py [FOLDER]        needs numpy, scikit-learn, scipy, seqeval, torchmetrics

A case is a line, an object; NaN is null.

    metrics.jsonl    "is" classes:    labels, predicted, gold (count); accuracy, matthews, macro, micro (precision, recall,
                                      F1), rates (labels, 3), confusion (labels, labels)
                     "is" multilabel: labels, predicted, gold (count * labels); macro, micro
                     "is" numbers:    x, y; pearson, spearman, error
    entities.jsonl   scheme, sentences (a pair of lists of tags: predicted, gold); micro, macro, types {name: [precision,
                     recall, F1, gold]}
    normal.jsonl     rule, text, normal
    answers.jsonl    rule, questions [predicted or null, answers, null odds, exact, F1], threshold, means, best: what the
                     rule's script prints, divided by 100

Scores of answers and the original's chunks come from the definitions written down here; the former are compared with
torchmetrics', lenient entities with conlleval's rule.
"""
import collections
import json
import math
import pathlib
import re
import string
import sys
import unicodedata
import warnings

import numpy
import scipy.stats
import seqeval.metrics
import seqeval.scheme
import sklearn.metrics
import torchmetrics.functional.text
from seqeval.metrics import sequence_labeling, v1

warnings.simplefilter("ignore")
random = numpy.random.default_rng(20207)


def plain(value):
    """As JSON has it: no numpy types, null for NaN."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, numpy.ndarray)):
        return [plain(item) for item in value]
    value = value.item() if isinstance(value, numpy.generic) else value
    return None if isinstance(value, float) and math.isnan(value) else value


def write(path, cases):
    with open(path, "w", encoding="utf-8", newline="\n") as out:
        for case in cases:
            out.write(json.dumps(plain(case), ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n")


# Numbers and classes


def rates(predicted, gold, **how):
    return sklearn.metrics.precision_recall_fscore_support(gold, predicted, zero_division=0, **how)[:3]


def classes(labels, predicted, gold):
    every = list(range(labels))
    return {"is": "classes", "labels": labels, "predicted": predicted, "gold": gold,
            "accuracy": sklearn.metrics.accuracy_score(gold, predicted),
            "matthews": sklearn.metrics.matthews_corrcoef(gold, predicted),
            "macro": rates(predicted, gold, average="macro"), "micro": rates(predicted, gold, average="micro"),
            "rates": numpy.transpose(rates(predicted, gold, average=None, labels=every)),
            "confusion": sklearn.metrics.confusion_matrix(gold, predicted, labels=every)}


def multilabel(predicted, gold):
    return {"is": "multilabel", "labels": gold.shape[1], "predicted": predicted.ravel(), "gold": gold.ravel(),
            "macro": rates(predicted, gold, average="macro"), "micro": rates(predicted, gold, average="micro")}


def numbers(x, y):
    return {"is": "numbers", "x": x, "y": y,
            "pearson": scipy.stats.pearsonr(x, y).statistic if len(x) > 1 else math.nan,
            "spearman": scipy.stats.spearmanr(x, y).statistic, "error": sklearn.metrics.mean_squared_error(y, x)}


def metric_cases():
    for labels in (2, 3, 7):
        for count in (1, 2, 5, 40, 150):
            gold = random.integers(labels, size=count)
            noise = random.integers(labels, size=count)
            yield classes(labels, noise, gold)
            yield classes(labels, numpy.where(random.random(count) < 0.7, gold, noise), gold)
            yield classes(labels, gold, gold)
            yield classes(labels, numpy.zeros_like(gold), gold)
            yield classes(labels, noise, numpy.full_like(gold, labels - 1))
            yield classes(labels, numpy.maximum(noise, 1), gold)
    for constant in ((0, 0), (0, 1), (1, 0), (1, 1)):
        yield classes(2, numpy.full(4, constant[0]), numpy.full(4, constant[1]))
    for labels in (2, 5):
        for count in (1, 30):
            gold = random.integers(2, size=(count, labels))
            yield multilabel(random.integers(2, size=(count, labels)), gold)
            yield multilabel(gold, gold)
            yield multilabel(numpy.zeros_like(gold), gold)
            yield multilabel(numpy.ones_like(gold), numpy.zeros_like(gold))
            yield multilabel(numpy.zeros_like(gold), numpy.zeros_like(gold))
    for count in (2, 3, 10, 200):
        x, noise = random.normal(size=count), random.normal(size=count)
        yield numbers(x, noise)
        yield numbers(x, 2 * x + 0.1 * noise)
        yield numbers(x, -x)
        yield numbers(1e9 + x, noise)
        yield numbers(1e8 * x, 1e-8 * noise)
        yield numbers(random.integers(6, size=count) / 5.0, random.integers(6, size=count) / 5.0)
        yield numbers(numpy.full(count, 0.1), x)
        yield numbers(x, numpy.full(count, 0.1))
    yield numbers([1.0], [2.0])
    yield numbers([1.0, 1.0, 1.0, 2.0], [3.0, 3.0, 0.0, 3.0])


# Entities


def original_spans(tags):
    """As ELECTRA cuts chunks: at O, B and S alone; a chunk has the type of its last word."""
    spans, begin = set(), None
    for i, tag in enumerate(list(tags) + ["O"]):
        if begin is not None and (tag == "O" or tag[:2] in ("B-", "S-")):
            spans.add((begin, i, tags[i - 1].rpartition("-")[2]))
            begin = None
        if begin is None and tag != "O":
            begin = i
    return spans


def conlleval_counts(sentences):
    """(right, predicted, gold) by conlleval's rule, for tags of the form O, B-, I-, E-, S-."""
    def spans(tags):
        found, begin, last = set(), None, ("O", "")
        for i, tag in enumerate(list(tags) + ["O"]):
            letter, _, kind = tag.partition("-")
            joined = kind == last[1] and last[0] in "BI" and letter in "IE"
            if begin is not None and not joined:
                found.add((begin, i, last[1]))
                begin = None
            if begin is None and letter != "O":
                begin = i
            last = (letter, kind)
        return found
    pairs = [(spans(predicted), spans(gold)) for predicted, gold in sentences]
    return [sum(map(len, sets)) for sets in zip(*((p & g, p, g) for p, g in pairs))]


def ratio(a, b):
    return a / b if b else 0.0


def rates_of(right, predicted, gold):
    return [ratio(right, predicted), ratio(right, gold), ratio(2 * right, predicted + gold)]


def score_original(sentences):
    counts = collections.defaultdict(lambda: [0, 0, 0])
    for predicted, gold in sentences:
        predicted, gold = original_spans(predicted), original_spans(gold)
        for at, spans in enumerate((predicted & gold, predicted, gold)):
            for span in spans:
                counts[span[2]][at] += 1
    types = {name: rates_of(*counts[name]) + [counts[name][2]] for name in sorted(counts)}
    return {"micro": rates_of(*map(sum, zip(*counts.values()))) if counts else [0.0] * 3,
            "macro": [numpy.mean([t[i] for t in types.values()]) for i in range(3)], "types": types}


SCHEMES = {"lenient": {}, "lenient-suffix": {"suffix": True}}
for name in ("IOB1", "IOB2", "IOE1", "IOE2", "IOBES", "BILOU"):
    for suffix in (False, True):
        SCHEMES[name.lower() + suffix * "-suffix"] = {"mode": "strict", "scheme": getattr(seqeval.scheme, name), "suffix": suffix}


def score_seqeval(scheme, sentences):
    predicted, gold = [p for p, _ in sentences], [g for _, g in sentences]
    strict, suffix = SCHEMES[scheme].get("scheme"), SCHEMES[scheme].get("suffix", False)
    score = v1.precision_recall_fscore_support if strict else sequence_labeling.precision_recall_fscore_support
    how = {"scheme": strict, "suffix": suffix} if strict else {"suffix": suffix}
    if strict:
        names = v1.unique_labels(gold, predicted, strict, suffix)
    else:
        names = sorted({e[0] for tags in (predicted, gold) for e in sequence_labeling.get_entities(tags, suffix)})
    every = score(gold, predicted, average=None, **how)
    micro = score(gold, predicted, average="micro", **how)[:3]
    assert micro[2] == seqeval.metrics.f1_score(gold, predicted, **SCHEMES[scheme])
    return {"micro": micro, "macro": score(gold, predicted, average="macro", **how)[:3],
            "types": {name: list(values) for name, values in zip(names, zip(*every))}}


def entities(scheme, sentences):
    scores = score_original(sentences) if scheme == "original" else score_seqeval(scheme, sentences)
    if scheme == "lenient" and all(re.match("O$|[BIES]-", t) for pair in sentences for tags in pair for t in tags):
        assert numpy.allclose(rates_of(*conlleval_counts(sentences)), scores["micro"], rtol=0, atol=1e-12)
    return {"scheme": scheme, "sentences": sentences, **scores}


def tagged(types, letters):
    return ["O"] + [f"{letter}-{kind}" for letter in letters for kind in types]


def behind(types, letters):
    return ["O"] + [f"{kind}-{letter}" for letter in letters for kind in types]


def entity_cases():
    iob2, iobes = tagged(["PER", "LOC"], "BI"), tagged(["NP", "VP", "인물"], "BIES")
    odd = ["O", "B", "I", "S", "B-", "I-", "B-PER-X", "I-PER-X", "I-X", "Bx-PER", "O-PER", "PER", "LOC", "인물", "장소-LOC", "I-PER"]
    schemes = [("lenient", iob2), ("lenient", iobes), ("lenient", ["O", "PER", "LOC", "MISC"]), ("lenient", odd),
               ("iob2", iob2), ("iob2", ["O", "B-", "I", "B--A-", "I-A", "B-A-B", "I-A-B", "O-A"]), ("iobes", iobes),
               ("original", iob2), ("original", iobes)]
    for scheme, tags in schemes:
        for count in (1, 4, 12):
            gold = [[str(t) for t in random.choice(tags, size=random.integers(1, 14))] for _ in range(count)]
            near = [[str(random.choice(tags)) if random.random() < 0.15 else t for t in sentence] for sentence in gold]
            far = [[str(t) for t in random.choice(tags, size=len(sentence))] for sentence in gold]
            none = [["O"] * len(sentence) for sentence in gold]
            yield entities(scheme, list(zip(near, gold)))
            yield entities(scheme, list(zip(far, gold)))
            yield entities(scheme, list(zip(gold, gold)))
            yield entities(scheme, list(zip(none, gold)))
            yield entities(scheme, list(zip(gold, none)))
            yield entities(scheme, list(zip(none, none)))


def scheme_cases():
    """Every scheme, letters on both sides and without types; drawn apart from the others."""
    draw = numpy.random.default_rng(9)
    schemes = []
    letters = {"iob1": "IB", "iob2": "IB", "ioe1": "IE", "ioe2": "IE", "iobes": "BIES", "bilou": "BILU"}
    for scheme, some in letters.items():
        schemes += [(scheme, tagged(["PER", "LOC"], some)), (scheme + "-suffix", behind(["PER", "X-Y", "인물"], some)),
                    (scheme, ["O", *some]), ("lenient", tagged(["PER", "LOC"], some)), ("lenient", ["O", *some]),
                    ("lenient-suffix", behind(["PER", "LOC"], some))]
    schemes += [("lenient", tagged(["PER", "LOC"], "BMES")), ("lenient", ["O", "B", "M", "E", "S"]),
                ("lenient-suffix", behind(["PER", "LOC"], "BMES")), ("lenient", [*tagged(["PER", "LOC"], "BI"), "o"]),
                ("lenient-suffix", ["O", "B", "-B", "X-PER-B", "PER-X-I", "PER", "장소-I", "I-PER"])]
    for scheme, tags in schemes:
        gold = [[str(t) for t in draw.choice(tags, size=draw.integers(1, 14))] for _ in range(10)]
        near = [[str(draw.choice(tags)) if draw.random() < 0.15 else t for t in sentence] for sentence in gold]
        far = [[str(t) for t in draw.choice(tags, size=len(sentence))] for sentence in gold]
        yield entities(scheme, list(zip(near, gold)))
        yield entities(scheme, list(zip(far, gold)))


# Answers


def words_between(text, drop_articles):
    """Lower-cased, without ASCII punctuation, split at white space and articles."""
    text = "".join(c for c in text.lower() if c not in string.punctuation)
    if drop_articles:
        runs = re.split(r"(\w+)", text)
        text = "".join(" " if run in ("a", "an", "the") else run for run in runs)
    return text.split()


def normal_words(rule, text):
    if rule == "korquad":
        return words_between(text.translate({ord(c): " " for c in "'\"()<>《》〈〉‘’"}), False)
    return words_between(text, True)


def one_answer(rule, predicted, gold):
    predicted, gold = normal_words(rule, predicted), normal_words(rule, gold)
    exact = float(predicted == gold)
    if rule == "korquad":
        predicted, gold = "".join(predicted), "".join(gold)
    if rule == "squad2" and not (predicted or gold):
        return exact, 1.0
    common = sum((collections.Counter(predicted) & collections.Counter(gold)).values())
    if not common:
        return exact, 0.0
    precision, recall = common / len(predicted), common / len(gold)
    return exact, 2 * precision * recall / (precision + recall)


def one_question(rule, predicted, answers):
    if predicted is None:
        return 0.0, 0.0
    if rule == "squad2":
        answers = [a for a in answers if normal_words(rule, a)] or [""]
    return tuple(map(max, zip(*(one_answer(rule, predicted, a) for a in answers))))


def mean(scores):
    return [len(scores)] + [sum(s[i] for s in scores) / len(scores) if scores else 0.0 for i in range(2)]


def best_threshold(questions, which):
    """Questions are answered one by one, the surest first; the best sum on the way."""
    answered = sorted((q for q in questions if q[0] is not None), key=lambda q: q[2])
    score = best = sum(not q[1] for q in answered)
    threshold = 0.0
    for predicted, answers, odds, *scores in answered:
        score += scores[which] if answers else -bool(predicted)
        if score > best:
            best, threshold = score, odds
    return best / len(questions), threshold


def answers(rule, questions, threshold):
    questions = [list(q) + list(one_question(rule, q[0], q[1])) for q in questions]
    counted = [q for q in questions if q[0] is not None or rule != "mrqa"]
    scores = [q[3:] for q in counted]
    if rule == "squad2":
        empty = [q[0] is not None and q[2] > threshold for q in counted]
        scores = [[float(not q[1])] * 2 if e else s for q, e, s in zip(counted, empty, scores)]
    groups = [[s for q, s in zip(counted, scores) if bool(q[1]) == has] for has in (True, False)]
    if rule == "squad1":
        check_torchmetrics(questions)
    return {"rule": rule, "questions": questions, "threshold": threshold if rule == "squad2" else None,
            "means": [mean(s) for s in [scores] + groups],
            "best": [*best_threshold(counted, 0), *best_threshold(counted, 1)] if rule == "squad2" else None}


def check_torchmetrics(questions):
    """But for texts that are empty when normalised, of which it takes SQuAD 2.0's view."""
    kept = [q for q in questions if all(normal_words("squad1", t) for t in q[1]) and (q[0] is None or normal_words("squad1", q[0]))]
    if not kept:
        return
    theirs = torchmetrics.functional.text.squad(
        [{"id": str(i), "prediction_text": q[0]} for i, q in enumerate(kept) if q[0] is not None],
        [{"id": str(i), "answers": {"text": q[1], "answer_start": [0] * len(q[1])}} for i, q in enumerate(kept)])
    for at, name in ((3, "exact_match"), (4, "f1")):
        assert abs(100 * sum(q[at] for q in kept) / len(kept) - theirs[name].item()) < 1e-3, (name, theirs)


POOL = ["the", "The", "a", "An", "THE", "cat", "Cat's", "cats", "red-green", "U.S.", "1,000", "$5", "(x)", "“the”", "the–end", "a\u0301", "a_b",
        "서울", "서울특별시", "《서울》", "'서울'", "〈가나〉", "‘다’", "<b>", "\"quote\"", "가나다", "İstanbul", "ÉTÉ", "été", "ẞ", "ß", "½", "²", "an²", "…", "!", "--", "漢字", "K"]
SPACES = [" ", " ", " ", " ", "  ", "\t", "\n", "\u00a0", "\u3000", "\u2009", "\x1c", "\u200b", ""]


def phrase(most):
    count = random.integers(1, most + 1)
    return "".join(str(random.choice(POOL)) + str(random.choice(SPACES)) for _ in range(count))


def normal_cases():
    for rule in ("squad1", "korquad"):
        texts = ["", " ", "a", "the a an", "a.b", "The_End", "(the)", "a‘the’b", " x ", "\u0345\u0130\u1e9e\U00010400", "é\u0301an\u0301 the\u0301", "a0 0a 가a a가"]
        for text in texts + POOL + [phrase(6) for _ in range(60)]:
            yield {"rule": rule, "text": text, "normal": " ".join(normal_words(rule, text))}
    sigmas = ["ΟΔΟΣ", "Σ", "ΣΑΣ ΣΣ", "ΑΣ'", "ΑΣ'Α", "ΑΣ.Β", "ΑΣ, Β", "'Σ", "1Σ", "A\u0301Σ\u0301", "Α‘Σ’Α", "Ⅳ.Σ", "ΑΣ(Α)", "AΣ\u00adB"]
    for rule in ("squad1", "korquad"):
        for text in sigmas:
            yield {"rule": rule, "text": text, "normal": " ".join(normal_words(rule, text))}


def question(rule, sure, missing):
    golds = [phrase(4) for _ in range(random.integers(1, 4))]
    if rule == "squad2" and random.random() < 0.4:
        golds = []
    if random.random() < 0.05:
        golds = golds + ["the", ""] if random.random() < 0.5 else ["."]
    predicted = str(random.choice(golds)) + ("" if random.random() < 0.5 else phrase(2)) if golds and random.random() < 0.6 else phrase(4)
    predicted = "" if rule == "squad2" and random.random() < 0.2 else predicted
    predicted = None if random.random() < missing else predicted
    odds = float(random.normal() + sure * (2 if not golds else -2))
    return [predicted, golds, round(odds, 1) if random.random() < 0.5 else odds]


def answer_cases():
    for rule in ("squad1", "squad2", "korquad", "mrqa"):
        for count in (1, 3, 20, 60):
            for missing in (0, 0.2):
                yield answers(rule, [question(rule, 1, missing) for _ in range(count)], 0.0)
        yield answers(rule, [question(rule, 1, 0) for _ in range(20)], -2.75)
    for predicted in ("", "x", None):
        for golds in ([], ["x"], ["the"]):
            yield answers("squad2", [[predicted, golds, 0.0]] * 3, 0.0)
    yield answers("squad2", [["x", ["x"], 1.0], ["y", [], 1.0], ["z", ["z z"], 1.0]], 2.0)
    yield answers("squad2", [["", [], 0.0], ["x", ["x"], 1.0]], 0.0)
    for rule in ("squad1", "korquad", "mrqa"):
        yield answers(rule, [["the", ["a"], 0.0], ["", ["."], 0.0], ["x", ["the"], 0.0]], 0.0)


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "tests/task/golden"
    folder.mkdir(parents=True, exist_ok=True)
    assert all(c.isalnum() == (unicodedata.category(c)[0] in "LN") for c in map(chr, range(0x110000)))
    write(folder / "metrics.jsonl", metric_cases())
    write(folder / "entities.jsonl", [*entity_cases(), *scheme_cases()])
    write(folder / "normal.jsonl", normal_cases())
    write(folder / "answers.jsonl", answer_cases())


if __name__ == "__main__":
    main()
