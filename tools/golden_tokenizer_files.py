#!/usr/bin/env python3
"""Writes tests/format/golden/tokenizers/: folders as Hugging Face's tokenizers have them, and what comes of them.

texts.txt has a text a line, as a JSON string.  A folder holds the files of a tokenizer and either ids.txt, the ids
of each text without [CLS] and [SEP], or refused.txt, words of the sentence that refuses it.  Ids come from
transformers' AutoTokenizer, or from `tokenizers` where the folder is one that AutoTokenizer reads in part only
(its BertTokenizer takes no more than the pieces from a tokenizer.json).
Needs: pip install tokenizers transformers.
"""
import json
import os
import pathlib
import shutil
import tempfile

os.environ["TRANSFORMERS_VERBOSITY"] = "error"
from tokenizers import AddedToken, Tokenizer, decoders, normalizers, pre_tokenizers, processors  # noqa: E402
from tokenizers.models import BPE, Unigram, WordPiece  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402

OUT = pathlib.Path(__file__).parent.parent / "tests/format/golden/tokenizers"
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = ["the", "un", "able", "Seoul", "seoul", "caf", "url", "한국", "어", "한국어", "漢", "字", "漢字", "e", "x", "US"]
LETTERS = list("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") + list("éüİßΣσ가나다글ㄱ") + ["ᄒ", "ᅡ", "ᆫ", "ᄀ", "\u0301"]
MARKS = list("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~。、…€") + ["\u00ad", "\u200b", "\ufffd", "👍", "🏽"]
PIECES = list(dict.fromkeys(SPECIAL + WORDS + LETTERS + MARKS + ["##" + p for p in WORDS + LETTERS]))

TEXTS = [
    "", " ", "the unable Seoul SEOUL seoul", "Café CAFE\u0301 cafe", "한국어 한국어를 \u1112\u1161\u11ab국", "漢字かな the漢字the 漢 字",
    "e-mail: x@y.com, U.S.! a_b", "the\u00a0un\u3000able\u2028x\u2003y", "t\u200bhe c\u00adaf \ufeffx \x00\x01y\x7f \ufffdz", "👍🏽 x👍 \u200d",
    "[MASK] the[MASK]un [SEP] [sep] [UNK]x[PAD] [CLS]", "<url> the<url>x < url > <URL> <Url>", "[E1] [E1][E1] x[E1]y [e1]",
    "foo foobar barfoo foo-bar FOO Foo _foo foo\u0301 foo한", "  foo   the  foo  ", "new york New York  NEW  YORK new\u00a0york newyork",
    "漢字 漢 字 x漢字x", "Éa éa e\u0301a E\u0301A", "İstanbul ẞ ΣΑΣ", "a" * 10 + " " + "a" * 11 + " " + "a" * 100 + " " + "a" * 101,
    "b" * 200 + " " + "b" * 201, "xx xthe thex @@x ##x #x", "<s> </s> <unk> <mask> <pad>", "\ttabs\tand\r\nlines\n", "가각힣 ㄱ 나ㄱ",
    "un able unable un-able ununable", "e\u0323\u0301 \u0301 e\u0301\u0323 a\u302e\u0591\u302fb", "foo<url>foo [E1]<url>[MASK]foo",
]


def lines(pieces, end="\n"):
    return "".join(p + end for p in pieces)


def bert(**more):
    return {"tokenizer_class": "BertTokenizer", "do_lower_case": False, **more}


FAST = {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]",
        "pad_token": "[PAD]", "mask_token": "[MASK]"}


def tokenizer(normalizer="bert", pre="bert", prefix="##", most=100, unk="[UNK]", special=None, post=None, pieces=None, model=None, added=()):
    vocab = {(prefix + p[2:] if p.startswith("##") and len(p) > 2 else p): i for i, p in enumerate(pieces or PIECES)}
    vocab = pieces if isinstance(pieces, dict) else vocab
    t = Tokenizer(model or WordPiece(vocab, unk_token=unk, continuing_subword_prefix=prefix, max_input_chars_per_word=most))
    t.normalizer = normalizers.BertNormalizer(lowercase=False) if normalizer == "bert" else normalizer
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer() if pre == "bert" else pre
    t.decoder = decoders.WordPiece(prefix=prefix)
    if model is None:
        t.add_special_tokens(special or SPECIAL)
        for token in added:
            (t.add_special_tokens if token.special else t.add_tokens)([token])
        cls, sep = (special or SPECIAL)[2:4]
        template = processors.TemplateProcessing(single=f"{cls}:0 $A:0 {sep}:0", pair=f"{cls}:0 $A:0 {sep}:0 $B:1 {sep}:1",
                                                 special_tokens=[(cls, t.token_to_id(cls)), (sep, t.token_to_id(sep))])
        t.post_processor = template if post is None else post if post != "none" else None
    return json.loads(t.to_str())


def expected(folder, judge):
    if judge == "tokenizers":
        t = Tokenizer.from_file(str(folder / "tokenizer.json"))
        return [t.encode(text, add_special_tokens=False).ids for text in TEXTS]
    with tempfile.TemporaryDirectory() as place: # a folder of a model, so that AutoTokenizer knows what it is
        shutil.copytree(folder, place, dirs_exist_ok=True)
        (pathlib.Path(place) / "config.json").write_text('{"model_type": "electra"}')
        t = AutoTokenizer.from_pretrained(place)
        return [t(text, add_special_tokens=False)["input_ids"] for text in TEXTS]


def write(name, files, judge="auto", refused=None):
    folder = OUT / name
    folder.mkdir(parents=True)
    for file, content in files.items():
        if not isinstance(content, str):
            content = json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n"
        (folder / file).write_bytes(content.encode())
    if refused:
        (folder / "refused.txt").write_text(refused + "\n", encoding="utf-8")
        return
    ids = expected(folder, judge)
    (folder / "ids.txt").write_text("".join(" ".join(map(str, line)) + "\n" for line in ids))


def saved(added, **settings):
    """The files that transformers' own save_pretrained writes, of a vocabulary with tokens added."""
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        (place / "vocab.txt").write_bytes(lines(PIECES).encode())
        (place / "config.json").write_text('{"model_type": "electra"}')
        (place / "tokenizer_config.json").write_text(json.dumps(bert(**settings)))
        t = AutoTokenizer.from_pretrained(place)
        for token in added:
            t.add_tokens([token], special_tokens=token.special)
        t.save_pretrained(place / "out")
        return {p.name: json.loads(p.read_text(encoding="utf-8")) for p in (place / "out").iterdir()}


def vocabularies():
    rest = ["a", "b", "c", "##a", "##b", "##c", "the", "x"]
    text = lines(SPECIAL + rest)
    odd = {
        "blank": lines(SPECIAL + ["a", "", "b", "c", "", "##a", "##b", "x"]),
        "blank-end": text + "\n\n",
        "repeated": lines(SPECIAL + ["a", "b", "a", "##a", "##b", "##a", "x"]),
        "repeated-special": lines(SPECIAL + ["a", "[MASK]", "x"]),
        "trailing-blank": lines(SPECIAL + ["a ", "b\t", "c\u3000", "##a \u00a0", "x\u2028"]),
        "leading-blank": lines(SPECIAL + [" a", "b", "x"]),
        "crlf": lines(SPECIAL + rest, "\r\n"),
        "cr-inside": lines(SPECIAL + ["a\rb", "b", "x"]),
        "line-separator": lines(SPECIAL + ["a", "\u2028", "b", "\x85", "\u3000", "x"]),
        "no-last-end": text[:-1],
        "special-last": lines(rest + SPECIAL),
        "unused": lines(["[PAD]", "[unused1]", "<S>", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + rest),
    }
    for name, content in odd.items():
        write("vocab-" + name, {"vocab.txt": content})
    write("vocab-mark", {"vocab.txt": "\ufeff[unused0]\n" + text})


def settings():
    vocab = lines(PIECES)
    for name, config in {
        "uncased": bert(do_lower_case=True), "cased": bert(), "default": None, "no-keys": {"tokenizer_class": "BertTokenizer"},
        "lower-keep-accents": bert(do_lower_case=True, strip_accents=False), "strip-only": bert(strip_accents=True),
        "null-accents": bert(strip_accents=None), "no-ideographs": bert(tokenize_chinese_chars=False),
        "electra-fast": {"tokenizer_class": "ElectraTokenizerFast", "do_lower_case": False},
        "extra-names": bert(extra_special_tokens={"first": "the", "second": "x"}),
        "unk-name": bert(unk_token="<S>"), "mask-lstrip": bert(mask_token={"__type": "AddedToken", "content": "[MASK]", "lstrip": True, "rstrip": False, "normalized": False, "single_word": False}),
    }.items():
        pieces = vocab.replace("[UNK]", "<S>") if name == "unk-name" else vocab
        write("config-" + name, {"vocab.txt": pieces, **({"tokenizer_config.json": config} if config is not None else {})})
    write("config-length-unset", {"vocab.txt": vocab, "tokenizer_config.json": '{"do_lower_case": false, "model_max_length": 1000000000000000019884624838656}'})
    for name, config in {"japanese": "BertJapaneseTokenizer", "kobert": "KoBertTokenizer", "roberta": "RobertaTokenizer", "albert": "AlbertTokenizer"}.items():
        write("refused-class-" + name, {"vocab.txt": vocab, "tokenizer_config.json": {"tokenizer_class": config}}, refused=f"tokenizer_class {config} is not BERT's")
    write("refused-code", {"vocab.txt": vocab, "tokenizer_config.json": {"auto_map": {"AutoTokenizer": ["x.X", None]}}}, refused="auto_map names code")
    write("refused-generic-alone", {"vocab.txt": vocab, "tokenizer_config.json": FAST}, refused="what tokenizer.json says, and there is none")


def added():
    n = len(PIECES)
    flags = ["lstrip", "rstrip", "single_word", "normalized", "special"]
    token = lambda text, *on: AddedToken(text, **{f: f in on for f in flags})  # noqa: E731
    decoder = lambda tokens: {str(i): {"content": t.content, **{f: getattr(t, f) for f in flags}} for i, t in tokens}  # noqa: E731
    plain = [token("[E1]", "special"), token("<url>", "normalized")]
    write("added-v5", saved(plain))
    write("added-v5-uncased", saved(plain, do_lower_case=True))
    write("added-v4", {"vocab.txt": lines(PIECES), "added_tokens.json": {"[E1]": n, "<url>": n + 1},
                       "tokenizer_config.json": bert(additional_special_tokens=["[E1]"], added_tokens_decoder=decoder(
                           [(i, token(s, "special")) for i, s in enumerate(SPECIAL)] + [(n, plain[0]), (n + 1, plain[1])]))})
    write("added-old", {"vocab.txt": lines(PIECES), "added_tokens.json": {"[E1]": n, "<url>": n + 1}, "tokenizer_config.json": bert(),
                        "special_tokens_map.json": {"unk_token": "[UNK]", "additional_special_tokens": ["[E1]"]}})
    sets = {
        "single-word": [token("foo", "single_word")], "anywhere": [token("foo")], "strip": [token("foo", "lstrip", "rstrip")],
        "left": [token("foo", "lstrip", "normalized")], "right": [token("<url>", "rstrip"), token("[E1]", "special", "rstrip")],
        "normalized": [token("Foo", "normalized"), token("漢字", "normalized"), token("New York", "normalized"), token("Éa", "normalized")],
        "single-normalized": [token("FOO", "single_word", "normalized"), token("<url>", "lstrip", "normalized")],
        "overlapping": [token("foo"), token("foobar"), token("foo-"), token("oba"), token("<url"), token("<url>")],
        "in-vocabulary": [token("the"), token("un", "single_word"), token("Seoul", "normalized")],
        "blanks": [token(" foo"), token("foo  ", "rstrip"), token("  the", "lstrip", "normalized")],
        "jamo": [token("ᅡ", "normalized"), token("ᄀ", "normalized")],
    }
    for name, tokens in sets.items():
        for case in (False, True):
            write(f"added-{name}{'-uncased' if case else ''}", saved(tokens, do_lower_case=case))
    write("added-other-words", {"tokenizer.json": tokenizer(added=sets["normalized"], normalizer=normalizers.BertNormalizer(clean_text=False, lowercase=True, strip_accents=True))}, "tokenizers")
    write("refused-extra-name", {"vocab.txt": lines(PIECES), "tokenizer_config.json": bert(extra_special_tokens={"first": "<new>"})}, refused="the added token <new> has no id")
    write("refused-added-gap", {"vocab.txt": lines(PIECES), "added_tokens.json": {"[E1]": n + 3}, "tokenizer_config.json": bert()}, refused=f"but Hugging Face gives it {n}")
    write("refused-added-taken", {"vocab.txt": lines(PIECES), "added_tokens.json": {"[E1]": 7}, "tokenizer_config.json": bert()}, refused="has the id 7, which is able's")
    write("refused-added-split", {"vocab.txt": lines(PIECES), "tokenizer_config.json": bert(split_special_tokens=True)}, refused="split_special_tokens")


def documents():
    B, P = normalizers.BertNormalizer, pre_tokenizers
    exact = {
        "cased": tokenizer(), "uncased": tokenizer(B()), "lower-keep": tokenizer(B(lowercase=True, strip_accents=False)),
        "strip-only": tokenizer(B(lowercase=False, strip_accents=True)), "no-ideographs": tokenizer(B(lowercase=False, handle_chinese_chars=False)),
        "unclean": tokenizer(B(clean_text=False, lowercase=False)), "unclean-uncased": tokenizer(B(clean_text=False)),
        "no-normalizer": tokenizer(None), "lower-alone": tokenizer(normalizers.Lowercase()), "prefix-at": tokenizer(prefix="@@"),
        "prefix-x": tokenizer(prefix="x"), "prefix-none": tokenizer(prefix="", pieces=[p for p in PIECES if not p.startswith("##")]), "most-10": tokenizer(most=10), "most-200": tokenizer(most=200),
        "most-1": tokenizer(most=1), "bert-post": tokenizer(post=processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))), "no-post": tokenizer(post="none"),
        "holes": tokenizer(pieces={p: i + (i > 30) for i, p in enumerate(PIECES)}),
        "roberta-names": tokenizer(unk="<unk>", special=["<pad>", "<unk>", "<s>", "</s>", "<mask>"], pieces=["<pad>", "<unk>", "<s>", "</s>", "<mask>"] + PIECES[5:]),
    }
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), ["<pad>", "<unk>", "<s>", "</s>", "<mask>"]))
    for name, document in exact.items():
        config = {**FAST, **(names if name == "roberta-names" else {})}
        write("json-" + name, {"tokenizer.json": document, "tokenizer_config.json": config})
        if name != "roberta-names":
            write("alone-" + name, {"tokenizer.json": document}, "tokenizers")
    old = tokenizer()
    del old["model"]["type"]
    write("alone-untyped", {"tokenizer.json": old}, "tokenizers")
    write("json-beside-vocab", {"tokenizer.json": tokenizer(), "vocab.txt": lines(PIECES)}, "tokenizers")
    write("json-padded", {"tokenizer.json": {**tokenizer(), "padding": None, "truncation": {"direction": "Right", "max_length": 512, "strategy": "LongestFirst", "stride": 0}}}, "tokenizers")
    for name, (document, words) in {
        "whitespace": (tokenizer(pre=P.Whitespace()), "pre_tokenizer Whitespace is not BERT's"), "split": (tokenizer(pre=P.WhitespaceSplit()), "pre_tokenizer WhitespaceSplit is not BERT's"),
        "sequence-pre": (tokenizer(pre=P.Sequence([P.BertPreTokenizer(), P.Digits()])), "pre_tokenizer Sequence is not BERT's"), "no-pre": (tokenizer(pre=None), "no pre_tokenizer"),
        "metaspace": (tokenizer(pre=P.Metaspace()), "pre_tokenizer Metaspace is not BERT's"), "byte-level": (tokenizer(pre=P.ByteLevel()), "pre_tokenizer ByteLevel is not BERT's"),
        "nfkc": (tokenizer(normalizers.NFKC()), "normalizer NFKC is not BERT's"), "nfc": (tokenizer(normalizers.NFC()), "normalizer NFC is not BERT's"),
        "sequence": (tokenizer(normalizers.Sequence([normalizers.NFD(), normalizers.Lowercase(), normalizers.StripAccents()])), "normalizer Sequence is not BERT's"),
        "replace": (tokenizer(normalizers.Replace("a", "b")), "normalizer Replace is not BERT's"), "strip": (tokenizer(normalizers.Strip()), "normalizer Strip is not BERT's"),
        "roberta-post": (tokenizer(post=processors.RobertaProcessing(("[SEP]", 3), ("[CLS]", 2))), "post_processor RobertaProcessing is not BERT's"),
        "template": (tokenizer(post=processors.TemplateProcessing(single="[CLS] $A", pair="[CLS] $A $B", special_tokens=[("[CLS]", 2)])), "post_processor is not BERT's"),
        "segments": (tokenizer(post=processors.TemplateProcessing(single="[CLS]:0 $A:0 [SEP]:0", pair="[CLS]:0 $A:0 [SEP]:0 $B:0 [SEP]:0", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])), "post_processor is not BERT's"),
        "bpe": (tokenizer(model=BPE({"a": 0, "b": 1, "ab": 2}, [("a", "b")])), "model BPE is no WordPiece"), "unigram": (tokenizer(model=Unigram([("a", 0.0)], 0)), "model Unigram is no WordPiece"),
        "most-5000": (tokenizer(most=5000), "max_input_chars_per_word is 5000"), "no-mask": (tokenizer(pieces=[p for p in PIECES if p != "[MASK]"], special=["[PAD]", "[UNK]", "[CLS]", "[SEP]"]), "the piece [MASK] is missing"),
    }.items():
        write("refused-" + name, {"tokenizer.json": document}, refused=words)
    swapped = lines(PIECES[:6] + [PIECES[7], PIECES[6]] + PIECES[8:])
    write("refused-two", {"tokenizer.json": tokenizer(), "vocab.txt": swapped}, refused="are two vocabularies: the piece un is 7 here and 6 there")
    write("refused-unk", {"tokenizer.json": tokenizer(unk="<unk>"), "tokenizer_config.json": FAST}, refused="unk_token is [UNK], but in tokenizer.json it is <unk>")
    write("refused-sentencepiece", {"spiece.model": "\n"}, refused="spiece.model of SentencePiece, which is not read")
    write("refused-bytes", {"vocab.json": "{}\n", "merges.txt": "#version\n"}, refused="byte-level BPE, which is not read")


def korean():
    """The trap of KoELECTRA's vocabulary: lower-cased as BERT's default, its syllables fall apart into letters."""
    pieces = SPECIAL + ["한국어", "ELECTRA", "##를", "를", "공유", "##합니다", ".", "electra", "합니다"]
    write("korean-kept", {"vocab.txt": lines(pieces), "tokenizer_config.json": bert()})
    write("korean-lost", {"vocab.txt": lines(pieces)})


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    TEXTS.append("한국어 ELECTRA를 공유합니다.")
    (OUT / "texts.txt").write_text("".join(json.dumps(t) + "\n" for t in TEXTS))
    vocabularies()
    settings()
    added()
    documents()
    korean()
    print(len([p for p in OUT.iterdir() if p.is_dir()]), "folders")


if __name__ == "__main__":
    main()
