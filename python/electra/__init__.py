"""ELECTRA encoders: pre-trained and fine-tuned models asked from Python, as libelectra has it (electra.h).

    import electra
    model = electra.Model("run")
    model.detect("The cat sat under the hat.")         # [Piece(piece='the', begin=0, end=3, probability=...), ...]
    vectors = model.embed(["one text", "another"])     # a numpy array, a row each
    electra.Model("sentiment").predict(["what a film"])  # probabilities of its labels

Texts are strings, or lists of them; a list is one call.  Offsets count characters.  Errors are electra.Error, with the
library's sentence; what is no text, path or number at all is TypeError or ValueError.  A model may be asked by several
threads at once.  Ctrl-C ends a question of the main thread between two batches.
"""
import ctypes
import operator
import os
import threading
from collections import namedtuple
from importlib import resources

import numpy

__all__ = ["Model", "Tokenizer", "Error", "version", "__version__", "Piece", "Guess", "Word", "Entity", "Answer", "Token"]

Piece = namedtuple("Piece", "piece id begin end logit probability")
Guess = namedtuple("Guess", "piece id probability")
Word = namedtuple("Word", "text begin end label probability")
Entity = namedtuple("Entity", "text begin end type probability")
Answer = namedtuple("Answer", "text begin end probability")
Token = namedtuple("Token", "piece id begin end")

_STATUS = {1: "failed", 2: "usage", 3: "data", 4: "no memory", 5: "stopped"}


class Error(Exception):
    """A call of the library failed; `status` is "failed", "usage", "data", "no memory" or "stopped"."""

    def __init__(self, status, sentence):
        super().__init__(sentence)
        self.status = _STATUS.get(status, str(status))
        self._number = status

    def __reduce__(self):  # what crosses processes is made again
        return Error, (self._number, self.args[0])


# ---- electra.h ----

class _Text(ctypes.Structure):
    _fields_ = [("text", ctypes.c_char_p), ("bytes", ctypes.c_size_t)]


class _Token(ctypes.Structure):
    _fields_ = [("id", ctypes.c_int32), ("begin", ctypes.c_uint32), ("end", ctypes.c_uint32)]


class _Options(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("threads", ctypes.c_int), ("precision", ctypes.c_int),
                ("instruction_set", ctypes.c_char_p), ("batch_tokens", ctypes.c_int)]


class _Info(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("can", ctypes.c_uint), ("labels", ctypes.c_int),
                ("exclusive", ctypes.c_int), ("pairs", ctypes.c_int), ("vocab_size", ctypes.c_int),
                ("hidden_size", ctypes.c_int), ("layers", ctypes.c_int), ("attention_heads", ctypes.c_int),
                ("longest", ctypes.c_int), ("parameters", ctypes.c_int64), ("task", ctypes.c_char_p),
                ("threads", ctypes.c_int), ("bfloat16", ctypes.c_int), ("instruction_set", ctypes.c_char_p)]


class _Piece(ctypes.Structure):
    _fields_ = [("piece", ctypes.c_char_p), ("id", ctypes.c_int32), ("begin", ctypes.c_uint32),
                ("end", ctypes.c_uint32), ("logit", ctypes.c_float), ("probability", ctypes.c_float)]


class _Guess(ctypes.Structure):
    _fields_ = [("piece", ctypes.c_char_p), ("id", ctypes.c_int32), ("probability", ctypes.c_float)]


class _Embedding(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("pooling", ctypes.c_int), ("normalize", ctypes.c_int),
                ("longest", ctypes.c_int)]


class _Word(ctypes.Structure):
    _fields_ = [("begin", ctypes.c_uint32), ("end", ctypes.c_uint32), ("label", ctypes.c_int32),
                ("probability", ctypes.c_float)]


class _Entity(ctypes.Structure):
    _fields_ = [("begin", ctypes.c_uint32), ("end", ctypes.c_uint32), ("type", ctypes.c_void_p),
                ("type_bytes", ctypes.c_size_t), ("probability", ctypes.c_float)]


class _Span(ctypes.Structure):
    _fields_ = [("begin", ctypes.c_uint32), ("end", ctypes.c_uint32), ("probability", ctypes.c_float)]


class _Reply(ctypes.Structure):
    _fields_ = [("answered", ctypes.c_int), ("null_odds", ctypes.c_double)]


_CAN = ["detect", "fill", "embed", "classify", "regress", "tag", "answer"]  # bits of _Info.can
_PRECISIONS = {"float": 0, "bfloat16": 1, "fastest": 2, "int8": 3}
_POOLINGS = {None: 0, "mean": 1, "cls": 2}

_LONG = 4096  # bytes of text that a question needs to be worth a thread, so that it can be interrupted


def _open_library():
    with resources.as_file(resources.files(__name__) / "libelectra.so") as path:
        if not path.exists():
            raise ImportError(f"{path} is not there: `pip install .` in electra's source builds it")
        return ctypes.CDLL(str(path))


_library = _open_library()
for _name in ("version", "error", "model_label", "tokenizer_piece"):
    getattr(_library, "electra_" + _name).restype = ctypes.c_char_p
_library.electra_model_label.argtypes = [ctypes.c_void_p, ctypes.c_int32]
_library.electra_tokenizer_piece.argtypes = [ctypes.c_void_p, ctypes.c_int32]
for _name in ("model", "session", "tokenizer"):
    getattr(_library, f"electra_{_name}_close").argtypes = [ctypes.c_void_p]
    getattr(_library, f"electra_{_name}_close").restype = None
_library.electra_session_cancel.argtypes = [ctypes.c_void_p]
_library.electra_session_cancel.restype = None


def _call(name, *arguments):
    status = getattr(_library, "electra_" + name)(*arguments)
    if status:
        raise Error(status, _library.electra_error().decode(errors="replace"))  # it may name a file, and be cut


def version():
    """The library's version, "0.1.0"."""
    return _library.electra_version().decode()


__version__ = version()


class _Texts:
    """Strings as the library takes them."""

    def __init__(self, texts):
        self.strings = list(texts)
        for text in self.strings:
            if not isinstance(text, str):
                raise TypeError(f"a text is a string, not {type(text).__name__}")
        self.coded = [text.encode() for text in self.strings]
        self.array = (_Text * max(len(self.coded), 1))(*[_Text(text, len(text)) for text in self.coded])
        self.bytes = sum(map(len, self.coded))

    def __len__(self):
        return len(self.strings)

    def characters(self, number):
        """From offsets in bytes of a text to offsets in characters."""
        text, coded = self.strings[number], self.coded[number]
        if len(text) == len(coded):
            return range(len(text) + 1)
        return numpy.cumsum([0] + [(byte & 0xC0) != 0x80 for byte in coded])


def _many(texts):
    if isinstance(texts, dict):
        raise TypeError("texts are a string or a list of strings, not dict")
    return ([texts], True) if isinstance(texts, (str, bytes)) else (list(texts), False)


def _path(path):
    coded = os.fsencode(path)
    if b"\0" in coded:
        raise ValueError(f"{path!r} has a NUL, and no path has")
    return coded


class _Closed:
    """Owns a handle of the library."""

    def __init__(self, close):
        self.handle, self._close = ctypes.c_void_p(), close

    def __reduce__(self):
        raise TypeError("what the library has opened cannot be copied or pickled: open it again")

    def __del__(self):
        if self.handle:
            self._close(self.handle)
            self.handle = ctypes.c_void_p()


class Tokenizer:
    """Text to ids, as Hugging Face's BERT tokenizer; of a vocab.txt, or a folder with one or with a tokenizer.json."""

    def __init__(self, path):
        self._tokenizer = _Closed(_library.electra_tokenizer_close)
        self._lock = threading.Lock()
        _call("tokenizer_open", ctypes.byref(self._tokenizer.handle), _path(path))

    def __len__(self):
        return _library.electra_tokenizer_size(self._tokenizer.handle)

    def encode(self, text):
        """Pieces with their ids and places, without [CLS] and [SEP]; of a list of texts, a list each."""
        texts, single = _many(text)
        given, tokens, starts = _Texts(texts), ctypes.POINTER(_Token)(), ctypes.POINTER(ctypes.c_size_t)()
        with self._lock:
            _call("tokenizer_encode_batch", self._tokenizer.handle, given.array, ctypes.c_size_t(len(given)),
                  ctypes.byref(tokens), ctypes.byref(starts))
            answers = []
            for i in range(len(given)):
                at = given.characters(i)
                answers.append([Token(_library.electra_tokenizer_piece(self._tokenizer.handle, t.id).decode(),
                                      t.id, int(at[t.begin]), int(at[t.end])) for t in tokens[starts[i]:starts[i + 1]]])
        return answers[0] if single else answers


class Model:
    """A run, what `electra finetune` wrote, or a Hugging Face folder with a WordPiece vocabulary: of ELECTRA, BERT,
    ALBERT, XLNet or sentence-transformers.

    threads: of each thread that asks; 0: as many as the process may use.  precision: "float", "bfloat16", "fastest"
    (of these two), "int8".  instruction_set: "avx2" or the like, "reference" (plain C in double); None: the best.
    """

    def __init__(self, folder, threads=0, precision="float", instruction_set=None, batch_tokens=0):
        self._model = _Closed(_library.electra_model_close)
        self._local = threading.local()
        options = _Options(ctypes.sizeof(_Options), _fitting(ctypes.c_int, threads, "threads"),
                           _chosen(_PRECISIONS, precision, "precision"),
                           _word(instruction_set, "instruction_set"),
                           _fitting(ctypes.c_int, batch_tokens, "batch_tokens"))
        _call("model_open", ctypes.byref(self._model.handle), _path(folder), ctypes.byref(options))
        info = _Info(ctypes.sizeof(_Info))
        _call("model_info", self._model.handle, ctypes.byref(info))
        #: what can be asked: names of methods, "classify" and "regress" being predict's
        self.can = [name for bit, name in enumerate(_CAN) if info.can >> bit & 1]
        self.labels = [_library.electra_model_label(self._model.handle, i).decode() for i in range(info.labels)]
        self.info = {name: getattr(info, name) for name, _ in _Info._fields_[3:]}
        for name in ("task", "instruction_set"):
            self.info[name] = self.info[name].decode() if self.info[name] else None

    def _session(self):
        """The calling thread's."""
        if not hasattr(self._local, "session"):
            session = _Closed(_library.electra_session_close)
            session.model = self._model  # which outlives it
            _call("session_open", ctypes.byref(session.handle), self._model.handle)
            self._local.session = session
        return self._local.session

    def _question(self, name, texts, *arguments):
        """A call with the session before `arguments`.  A long one of the main thread, which alone is told of Ctrl-C, is made
        by a thread of its own, so that it can be cancelled."""
        session = self._session()
        if texts.bytes < _LONG or threading.current_thread() is not threading.main_thread():
            return _call(name, session.handle, *arguments)
        failed, done = [], threading.Event()

        def run():
            try:
                _call(name, session.handle, *arguments)
            except BaseException as error:
                failed.append(error)
            finally:
                done.set()

        try:
            threading.Thread(target=run, name="electra").start()
            done.wait()
        except BaseException:
            self._local.__dict__.pop("session", None)  # the thread's, until it has ended
            _library.electra_session_cancel(session.handle)
            raise
        if failed:
            raise failed[0]

    def _ask(self, name, texts, item, *more):
        """Items of each text, from a function that ends in (&items, &starts)."""
        items, starts = ctypes.POINTER(item)(), ctypes.POINTER(ctypes.c_size_t)()
        self._question(name, texts, texts.array, ctypes.c_size_t(len(texts)), *more, ctypes.byref(items),
                       ctypes.byref(starts))
        return items, starts

    def detect(self, text):
        """How suspicious every piece is: a list of Piece, or a list of them for each text of a list."""
        texts, single = _many(text)
        given = _Texts(texts)
        pieces, starts = self._ask("detect_batch", given, _Piece)
        answers = []
        for i in range(len(given)):
            at = given.characters(i)
            answers.append([Piece(p.piece.decode(), p.id, int(at[p.begin]), int(at[p.end]), p.logit, p.probability)
                            for p in pieces[starts[i]:starts[i + 1]]])
        return answers[0] if single else answers

    def fill(self, text, top_k=5):
        """The best guesses at every [MASK]: a list of Guess for each mask; of a list of texts, that for each."""
        texts, single = _many(text)
        given, top_k = _Texts(texts), operator.index(top_k)
        guesses, starts = self._ask("fill_batch", given, _Guess, _fitting(ctypes.c_size_t, top_k, "top_k"))
        answers = [[[Guess(g.piece.decode(), g.id, g.probability) for g in guesses[m * top_k:(m + 1) * top_k]]
                    for m in range(starts[i], starts[i + 1])] for i in range(len(given))]
        return answers[0] if single else answers

    def embed(self, texts, seconds=None, pooling=None, normalize=False, longest=0):
        """A float32 array, a row a text (or pair with `seconds`); of a string, its vector.

        pooling: None (what the folder says, else the mean), "mean" or "cls"."""
        texts, single = _many(texts)
        given, behind = _Texts(texts), _behind(seconds, len(texts))
        how = _Embedding(ctypes.sizeof(_Embedding), _chosen(_POOLINGS, pooling, "pooling"), bool(normalize),
                         _fitting(ctypes.c_int, longest, "longest"))
        vectors, width = ctypes.POINTER(ctypes.c_float)(), ctypes.c_size_t()
        self._question("embed", given, given.array, behind.array if behind is not None else None,
                       ctypes.c_size_t(len(given)), ctypes.byref(how), ctypes.byref(vectors), ctypes.byref(width))
        answer = _array(vectors, (len(given), width.value))
        return answer[0] if single else answer

    def predict(self, texts, seconds=None):
        """What a fine-tuned model says of texts or pairs: of a classifier a float32 array, a row of probabilities each, in
        the order of `labels`; of a model of numbers a float64 array.  Of a string, its row or number."""
        texts, single = _many(texts)
        given, behind = _Texts(texts), _behind(seconds, len(texts))
        number = "regress" in self.can
        numbers = ctypes.POINTER(ctypes.c_double if number else ctypes.c_float)()
        arguments = [given.array, behind.array if behind is not None else None, ctypes.c_size_t(len(given)),
                     ctypes.byref(numbers)]
        self._question("regress" if number else "classify", given, *(arguments if number else arguments + [None]))
        answer = _array(numbers, (len(given),) if number else (len(given), len(self.labels)))
        return answer[0] if single else answer

    def tag(self, text):
        """A Word with its tag for every word; of a list of texts, a list each."""
        texts, single = _many(text)
        given = _Texts(texts)
        words, starts = self._ask("tag", given, _Word)
        answers = []
        for i, string in enumerate(given.strings):
            at = given.characters(i)
            answers.append([Word(string[at[w.begin]:at[w.end]], int(at[w.begin]), int(at[w.end]),
                                 self.labels[w.label], w.probability) for w in words[starts[i]:starts[i + 1]]])
        return answers[0] if single else answers

    def entities(self, text):
        """The entities that the tags make; of a list of texts, a list each."""
        texts, single = _many(text)
        given = _Texts(texts)
        entities, starts = self._ask("entities", given, _Entity)
        answers = []
        for i, string in enumerate(given.strings):
            at = given.characters(i)
            answers.append([Entity(string[at[e.begin]:at[e.end]], int(at[e.begin]), int(at[e.end]),
                                   ctypes.string_at(e.type, e.type_bytes).decode(), e.probability)
                            for e in entities[starts[i]:starts[i + 1]]])
        return answers[0] if single else answers

    def answer(self, question, context, n_best=1):
        """The best answers in a context, or none where the model says that there is none: a list of Answer; of lists of
        questions and contexts, a list each."""
        questions, single = _many(question)
        contexts, _ = _many(context)
        if len(questions) != len(contexts):
            raise ValueError("a context for each question is needed")
        asked, given = _Texts(questions), _Texts(contexts)
        spans, starts = ctypes.POINTER(_Span)(), ctypes.POINTER(ctypes.c_size_t)()
        replies = ctypes.POINTER(_Reply)()
        self._question("answer", given, asked.array, given.array, ctypes.c_size_t(len(asked)),
                       _fitting(ctypes.c_size_t, n_best, "n_best"), ctypes.byref(spans), ctypes.byref(starts),
                       ctypes.byref(replies))
        answers = []
        for i, string in enumerate(given.strings):
            at = given.characters(i)
            answers.append([Answer(string[at[s.begin]:at[s.end]], int(at[s.begin]), int(at[s.end]), s.probability)
                            for s in spans[starts[i]:starts[i + 1]]] if replies[i].answered else [])
        return answers[0] if single else answers


def _chosen(numbers, word, what):
    if word not in numbers:
        raise ValueError(f"{what}: {word!r} is none of {', '.join(map(repr, numbers))}")
    return numbers[word]


def _word(word, what):
    """As a string of C, or None."""
    if word is None:
        return None
    if not isinstance(word, str):
        raise TypeError(f"{what} is a string, not {type(word).__name__}")
    if "\0" in word:
        raise ValueError(f"{what}: {word!r} has a NUL")
    return word.encode()


def _fitting(kind, number, what):
    """As a number of C, which ctypes would cut to its bits without a word."""
    fitting = kind(number)
    if fitting.value != number:
        raise ValueError(f"{what}: {number} is out of range")
    return fitting


def _behind(seconds, count):
    """Second texts of pairs, or None."""
    if seconds is None:
        return None
    seconds, _ = _many(seconds)
    if len(seconds) != count:
        raise ValueError("a second text for each text is needed")
    return _Texts(seconds)


def _array(pointer, shape):
    """A copy, since the next question writes over it."""
    if 0 in shape:
        return numpy.zeros(shape, dtype=pointer._type_)
    return numpy.ctypeslib.as_array(pointer, shape).copy()
