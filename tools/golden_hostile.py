#!/usr/bin/env python3
"""Makes tests/format/golden/hostile: files of weights that are damaged or mean harm, and hostile.tsv with what is said of each.

    python3 tools/golden_hostile.py        needs nothing; after golden_sources.py

A line of hostile.tsv is a folder and a piece of the one sentence.
"""
import json
import pathlib
import shutil
import struct
import zipfile
import io

GOLDEN = pathlib.Path(__file__).parent.parent / "tests/format/golden"
SOURCES, OUT = GOLDEN / "sources", GOLDEN / "hostile"
LINES = []


def add(name, file, data, sentence):
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file).write_bytes(data if isinstance(data, bytes) else data.encode())
    LINES.append(f"{name}\t{sentence}\n")


# ---- pickles, opcode by opcode ----

def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def number(value):
    return b"J" + struct.pack("<i", value)


def glob(module, name):
    return b"c" + f"{module}\n{name}\n".encode()


def storage(kind="FloatStorage", key="0", count=6, first=b"X\x07\0\0\0storage"):
    return b"(" + first + glob("torch", kind) + text(key) + text("cpu") + number(count) + b"tQ"


def tensor(base, offset=0, shape=(2, 3), strides=(3, 1), function="_rebuild_tensor_v2"):
    tuple_of = lambda values: b"(" + b"".join(number(v) for v in values) + b"t"
    hooks = glob("collections", "OrderedDict") + b")R"
    return (glob("torch._utils", function) + b"(" + base + number(offset) + tuple_of(shape) + tuple_of(strides) + b"\x89" + hooks + b"tR")


def state(*items):
    return b"\x80\x02}(" + b"".join(text(name) + value for name, value in items) + b"u."


GOOD = ("w", tensor(storage()))


def archive(pickle, data={"0": bytes(24)}, extra={}, compression=zipfile.ZIP_STORED, prefix="m/"):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as z:
        for name, content in {"data.pkl": pickle, **{f"data/{k}": v for k, v in data.items()}, "version": b"3\n", **extra}.items():
            z.writestr(zipfile.ZipInfo(prefix + name), content, compression)
    return out.getvalue()


def legacy(pickle, keys=("0",), counts=(6,), data=bytes(24), little=b"\x88", version=1001):
    magic = bytes.fromhex("80028a0a6cfc9c46f9206aa850192e")
    machine = b"\x80\x02}(" + text("protocol_version") + b"M\xe9\x03" + text("little_endian") + little + b"u."
    names = b"\x80\x02](" + b"".join(text(k) for k in keys) + b"e."
    return (magic + b"\x80\x02M" + struct.pack("<H", version) + b"." + machine + pickle + names +
            b"".join(struct.pack("<q", c) for c in counts) + data)


def torch_files():
    b, p = "pytorch_model.bin", lambda *items, **more: archive(state(*items), **more)
    add("calls", b, archive(b"\x80\x02" + glob("posix", "system") + b"(" + text("echo hi") + b"tR."), "holds a Python object, posix.system, which only Python can read")
    add("calls-builtin", b, p(GOOD, ("x", glob("__builtin__", "eval") + b"(" + text("1") + b"tR")), "holds a Python object, __builtin__.eval, which")
    add("argparse", b, p(GOOD, ("args", glob("argparse", "Namespace") + b")\x81")), "holds a Python object, argparse.Namespace, which")
    add("sparse", b, p(("w", glob("torch._utils", "_rebuild_sparse_tensor") + b")R")), "holds a Python object, torch._utils._rebuild_sparse_tensor")
    add("quantised", b, p(("w", tensor(storage("QInt8Storage")))), "holds a Python object, torch.QInt8Storage")
    add("module", b, p(("w", tensor(storage(first=text("module"))))), "holds a pickled Python class, which only Python can read")
    add("beyond-storage", b, p(("w", tensor(storage(), shape=(3, 3)))), "w reaches beyond its storage")
    add("offset-outside", b, p(("w", tensor(storage(), offset=1))), "w reaches beyond its storage")
    add("offset-negative", b, p(("w", tensor(storage(), offset=-1))), "a tensor is not described as torch does")
    add("stride-negative", b, p(("w", tensor(storage(), strides=(-3, 1)))), "a shape or its strides are no whole numbers from 0 up")
    add("stride-huge", b, p(("w", tensor(storage(), shape=(2**31 - 1,) * 3, strides=(2**31 - 1,) * 3))), "w reaches beyond its storage")
    add("elements-overflow", b, p(("w", tensor(storage(), shape=(2**31 - 1,) * 4, strides=(0,) * 4))), "w reaches beyond its storage")
    add("count-differs", b, p(("w", tensor(storage(count=7), shape=(7,), strides=(1,)))), "a storage has another size than its data")
    add("count-huge", b, p(("w", tensor(storage(count=2**31 - 1)))), "a storage has another size than its data")
    add("no-data", b, p(("w", tensor(storage(key="9")))), "the data of a storage are missing")
    add("key-escapes", b, p(("w", tensor(storage(key="../../etc/passwd")))), "the data of a storage are missing")
    add("item-into-list", b, archive(b"\x80\x02](" + text("a") + b"K\x01u."), "items are put into what is no dict")
    add("append-to-dict", b, archive(b"\x80\x02}K\x01a."), "items are appended to what is no list")
    add("stack-empty", b, archive(b"\x80\x02\x87."), "its stack holds less than it takes")
    add("memo-empty", b, archive(b"\x80\x02h\x05."), "it recalls what it never remembered")
    add("memo-huge", b, archive(b"\x80\x02Nr\xff\xff\xff\xff."), "it remembers without end")
    add("string-long", b, archive(b"\x80\x02X\xff\xff\xff\x7fabc."), "it is cut short")
    add("protocol-4", b, archive(b"\x80\x04N."), "a pickle of protocol 4")
    add("opcode", b, archive(b"\x80\x02\x97."), "opcode 0x97")
    add("no-stop", b, archive(b"\x80\x02}"), "it is cut short")
    add("not-a-dict", b, archive(b"\x80\x02K\x07."), "holds no dict of tensors (state_dict)")
    add("own-list", b, archive(b"\x80\x02]q\x00h\x00a."), "holds no dict of tensors (state_dict)")
    add("two-models", b, archive(b"\x80\x02}(" + text("a") + b"}" + text("w") + GOOD[1] + b"s" + text("b") + b"}" + text("w") + GOOD[1] + b"su."), "holds 2 dicts of tensors, and which is the model's is not said")
    add("model-again", b, archive(b"\x80\x02}(" + text("a") + b"}" + text("w") + GOOD[1] + b"sq\0" + text("b") + b"h\0" + text("c") + b"}" + text("w") + GOOD[1] + b"su."), "holds 2 dicts of tensors, and which is the model's is not said")
    add("name-long", b, p(("w" * 513, GOOD[1])), "the name of a tensor is too long")
    add("key-long", b, p(("w", tensor(storage(key="0" * 65))), data={"0" * 65: bytes(24)}), "a storage is not described as torch does")
    add("name-twice", b, p(GOOD, GOOD), "holds w twice")
    add("zip-bomb", b, archive(state(GOOD), {"0": bytes(1 << 20)}, compression=zipfile.ZIP_DEFLATED), "is compressed; torch.save stores")
    add("torchscript", b, archive(state(GOOD), extra={"constants.pkl": b"\x80\x02)."}), "a TorchScript program")
    add("big-endian", b, archive(state(GOOD), extra={"byteorder": b"big"}), "written by a big-endian machine")
    add("zip-of-else", b, archive(b"", prefix="a/b/"), "not one of torch.save: there is no data.pkl in it")
    whole = p(GOOD)
    add("zip-cut", b, whole[:-30], "a zip archive cut short")
    at = whole.rindex(b"PK\x01\x02")
    add("member-outside", b, whole[:at + 42] + b"\xf0\xff\xff\x7f" + whole[at + 46:], "is not where its directory says")
    size = whole.index(b"PK\x01\x02") + 20
    add("member-huge", b, whole[:size] + b"\xf0\xff\xff\x7f" * 2 + whole[size + 8:], "is not where its directory says")
    end = whole.rindex(b"PK\x05\x06")
    add("directory-outside", b, whole[:end + 16] + b"\xff\xff\xff\x7f" + whole[end + 20:], "its directory lies outside the file")
    add("directory-counts", b, whole[:end + 10] + b"\xff\xff" + whole[end + 12:], "its directory lies outside the file")
    add("old-count-differs", b, legacy(state(GOOD), counts=(5,)), "a storage has another size than its data")
    add("old-cut", b, legacy(state(GOOD), data=bytes(23)), "it is cut short")
    add("old-no-key", b, legacy(state(GOOD), keys=(), counts=(), data=b""), "the data of a storage are missing")
    add("old-other-key", b, legacy(state(GOOD), keys=("0", "1"), counts=(6, 6)), "the data of a storage belong to no tensor")
    add("old-big-endian", b, legacy(state(GOOD), little=b"\x89"), "written by a big-endian machine")
    add("old-protocol", b, legacy(state(GOOD), version=1000), "its protocol is not 1001")
    add("tar", b, b"sys_info" + bytes(249) + b"ustar" + bytes(250), "is a tar archive")
    add("noise", b, bytes(range(256)), "not a file of torch.save")
    add("safetensors-in-bin", b, (SOURCES / "plain/model.safetensors").read_bytes(), "is a safetensors file under a wrong name; rename it to model.safetensors")


def safetensors_files():
    s = "model.safetensors"
    good = (SOURCES / "plain/model.safetensors").read_bytes()
    add("empty", s, b"", "is empty")
    add("lfs", s, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 54245363\n", "is a Git LFS pointer")
    add("web-page", s, "<!DOCTYPE html><html>Not found</html>", "is a web page")
    add("bin-in-safetensors", s, (SOURCES / "torch-new-plain/pytorch_model.bin").read_bytes(), "is a file of torch.save under a wrong name; rename it to pytorch_model.bin")
    add("old-bin-in-safetensors", s, (SOURCES / "torch-old-plain/pytorch_model.bin").read_bytes(), "is a file of torch.save under a wrong name")
    add("cut", s, good[:-40], "are not within")
    add("header-huge", s, struct.pack("<Q", 1 << 40) + good[8:], "not a safetensors file, or cut short")
    add("keras", "tf_model.h5", b"\x89HDF\r\n\x1a\n", "tf_model.h5 is of Keras")
    add("adapter", "adapter_model.safetensors", good, "is an adapter (PEFT), not a model")
    index = lambda where: json.dumps({"weight_map": where})
    add("index-escapes", s + ".index.json", index({"w": "../plain/model.safetensors"}), "names a file that does not lie beside it")
    add("index-no-file", s + ".index.json", index({"w": "model-00001-of-00001.safetensors"}), "No such file")
    add("index-other", s + ".index.json", index({"w": "a.safetensors"}), "names w in a.safetensors, where it is not")
    (OUT / "index-other/a.safetensors").write_bytes(good)
    add("index-no-map", s + ".index.json", "{}", '"weight_map" is not there')


def tensorflow_files():
    source = SOURCES / "tensorflow"
    index, data = ((source / f"model.ckpt-5.{end}").read_bytes() for end in ("index", "data-00000-of-00001"))

    def add_tf(name, i, d, sentence):
        add(name, "m.index", i, sentence)
        if d is not None:
            (OUT / name / "m.data-00000-of-00001").write_bytes(d)
    add_tf("tf-data-cut", index, data[:40], "lies outside its file of data, which may be cut short")
    add_tf("tf-data-bit", index, data[:40] + bytes([data[40] ^ 1]) + data[41:], "does not have the checksum that it was written with")
    add_tf("tf-index-bit", index[:60] + bytes([index[60] ^ 1]) + index[61:], data, "a block does not have the checksum")
    add_tf("tf-index-cut", index[:-9], data, "not an index of a TensorFlow checkpoint, or cut short")
    add_tf("tf-no-data", index, None, "speaks of 1 files of data, but 0 are there")
    footer = index[:-48] + b"\xff\xff\xff\xff\x0f\x08" * 2 + bytes(28) + index[-8:]
    add_tf("tf-block-outside", footer, data, "a block lies outside the file")
    bare, kind = b"\0\0\0\0\1\0\0\0", b"\1"
    add_tf("tf-snappy", bare + kind + struct.pack("<I", masked(bare + kind)) + b"\0\x08\0\x08" + bytes(36) + index[-8:], data, "is compressed (snappy), which is not supported")
    number = struct.pack("<f", 1)
    header = b"\x08\x01"  # one file of data
    entry = b"\x08\x01\x12\0\x20\0\x28\x04\x35" + struct.pack("<I", masked(number))  # a float without dimensions
    good = block([(b"", header), (b"v", entry)])
    add_tf("tf-block-again", table([good], [0, 0]), number, "its blocks are not in order")
    add_tf("tf-block-copied", table([good, good]), number, "its keys are not in order")
    add_tf("tf-keys-unsorted", table([block([(b"", header), (b"w", entry), (b"v", entry)])]), number, "its keys are not in order")
    add_tf("tf-key-twice", table([block([(b"", header), (b"v", entry), (b"v", entry)])]), number, "its keys are not in order")
    add_tf("tf-data-shared", table([block([(b"", header), (b"v", entry), (b"w", entry)])]), number, "its tensors take more than its files of data")
    add_tf("tf-two", index, data, "holds 2 TensorFlow checkpoints")
    (OUT / "tf-two/n.index").write_bytes(index)


def varint(value):
    return (bytes([value & 127 | 128]) + varint(value >> 7)) if value > 127 else bytes([value])


def block(entries):
    return b"".join(varint(0) + varint(len(key)) + varint(len(value)) + key + value for key, value in entries) + struct.pack("<II", 0, 1)


def table(blocks, named=None):
    """An index of these data blocks, which names them in this order."""
    out = b""

    def put(content):
        nonlocal out
        place = varint(len(out)) + varint(len(content))
        out += content + b"\0" + struct.pack("<I", masked(content + b"\0"))
        return place
    places = [put(b) for b in blocks]
    about = put(block([]))
    index = put(block([(b"x%d" % i, places[at]) for i, at in enumerate(named or range(len(blocks)))]))
    return out + (about + index).ljust(40, b"\0") + struct.pack("<Q", 0xdb4775248b80fb57)


def masked(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    crc ^= 0xffffffff
    return ((crc >> 15 | crc << 17) + 0xa282ead8) & 0xffffffff


if __name__ == "__main__":
    shutil.rmtree(OUT, ignore_errors=True)
    torch_files()
    safetensors_files()
    tensorflow_files()
    (GOLDEN / "hostile.tsv").write_text("".join(LINES))
