#!/usr/bin/env python3
"""Makes tests/format/golden/sources: the same eight tensors in every file that weights come in.

    python3 tools/golden_sources.py           needs numpy, torch, safetensors
    python3 tools/golden_sources.py --tensorflow       needs tensorflow; makes tensorflow/ alone, after the other

plain/model.safetensors is what the others must give.  Every number is a multiple of 1/8 below 16, so that F16, BF16 and
F64 hold it exactly.
"""
import json
import pathlib
import shutil
import struct
import sys

import numpy

OUT = pathlib.Path(__file__).parent.parent / "tests/format/golden/sources"
SHAPES = {
    "electra.embeddings.word_embeddings.weight": (7, 4),
    "electra.embeddings.position_embeddings.weight": (5, 4),
    "electra.embeddings.LayerNorm.weight": (4,),
    "electra.embeddings.LayerNorm.bias": (4,),
    "electra.encoder.layer.0.attention.self.query.weight": (4, 4),
    "electra.encoder.layer.0.intermediate.dense.weight": (6, 4),
    "discriminator_predictions.dense_prediction.weight": (1, 4),
    "generator_lm_head.bias": (7,),
}


def tensors():
    random = numpy.random.default_rng(17)
    return {name: (random.integers(-127, 128, shape) / 8).astype(numpy.float32) for name, shape in SHAPES.items()}


def fresh(name):
    folder = OUT / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def write_safetensors(path, items):
    """items: name -> (dtype, shape, bytes); written here because the library has no F4, and its own order."""
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, (dtype, shape, raw) in items.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def plain_items(kind="F32"):
    import torch
    types = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "F64": torch.float64}
    return {name: (kind, list(value.shape),
                   torch.from_numpy(value).to(types[kind]).contiguous().view(torch.uint8).numpy().tobytes())
            for name, value in tensors().items()}


def make_safetensors():
    for kind, name in (("F32", "plain"), ("F16", "f16"), ("BF16", "bf16"), ("F64", "f64")):
        write_safetensors(fresh(name) / "model.safetensors", plain_items(kind))
    odd = {"quant.state": ("F4", [4], b"\0\0"), "scale": ("F8_E4M3", [4], b"\0\0\0\0"), "phase": ("C64", [1], b"\0" * 8),
           "empty": ("F32", [0, 3], b""), "step": ("I64", [], b"\0" * 8), "yes": ("BOOL", [2], b"\0\1")}
    write_safetensors(fresh("odd") / "model.safetensors", {**plain_items(), **odd})
    folder, items = fresh("shards"), plain_items()
    names, files = sorted(items), ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    for file, part in zip(files, (names[:3], names[3:])):
        write_safetensors(folder / file, {name: items[name] for name in part})
    where = {name: files[i >= 3] for i, name in enumerate(names)}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {"total_size": 0}, "weight_map": where}))


def make_torch():
    import collections
    import torch
    state = {name: torch.from_numpy(value) for name, value in tensors().items()}
    odd = {"embeddings.position_ids": torch.arange(5).expand(1, 5), "flag": torch.tensor(True),
           "phase": torch.zeros(1, dtype=torch.complex64), "byte": torch.zeros(3, dtype=torch.uint8)}
    query = "electra.encoder.layer.0.attention.self.query.weight"
    wide = torch.zeros(7, 9)
    wide[:, 3:7] = state["electra.embeddings.word_embeddings.weight"]
    views = {**state, query: state[query].t().contiguous().t(), "electra.embeddings.word_embeddings.weight": wide[:, 3:7],
             "tied": wide}
    module = collections.OrderedDict((name, torch.nn.Parameter(value)) for name, value in state.items())
    module._metadata = collections.OrderedDict([("", {"version": 1}), ("electra", {"version": 1})])
    whole = {"epoch": 3, "lr": 1e-4, "state_dict": module, "optimizer": {"state": {0: {"step": 1}}, "param_groups": [{"lr": 1e-4}]}}
    half = {name: value.half() for name, value in state.items()}
    for name, what in (("plain", state), ("odd", {**state, **odd}), ("views", views), ("trainer", whole), ("half", half)):
        for form, new in (("new", True), ("old", False)):
            torch.save(what, fresh(f"torch-{form}-{name}") / "pytorch_model.bin", _use_new_zipfile_serialization=new)
    torch.save({**state, "scale": torch.zeros(4, dtype=torch.float8_e4m3fn), "small": torch.zeros(4, dtype=torch.uint16)},
               fresh("torch-new-untyped") / "pytorch_model.bin")
    folder, names = fresh("torch-shards"), sorted(state)
    files = ["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"]
    for file, part, new in zip(files, (names[:3], names[3:]), (True, False)):
        torch.save({name: state[name] for name in part}, folder / file, _use_new_zipfile_serialization=new)
    where = {name: files[i >= 3] for i, name in enumerate(names)}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"metadata": {}, "weight_map": where}))


def make_tensorflow():
    import tensorflow.compat.v1 as tf
    tf.disable_eager_execution()
    folder = fresh("tensorflow")
    names = {"weight": "gamma", "bias": "beta"}
    with tf.Session() as session:
        for name, value in tensors().items():
            *parts, last = name.replace("dense_prediction", "dense_1").replace("layer.0", "layer_0").split(".")
            if "LayerNorm" in parts:
                parts.append(names[last])
            elif name == "generator_lm_head.bias":
                parts = ["generator_predictions", "output_bias"]
            elif not parts[-1].endswith("_embeddings"):
                parts.append({"weight": "kernel", "bias": "bias"}[last])
                value = value.T
            variable = "/".join(parts)
            tf.get_variable(variable, initializer=tf.constant(value))
            tf.get_variable(variable + "/adam_m", initializer=tf.zeros(value.shape))
        tf.get_variable("global_step", initializer=tf.constant(5, tf.int64))
        session.run(tf.global_variables_initializer())
        tf.train.Saver().save(session, str(folder / "model.ckpt"), global_step=5, write_meta_graph=False)
    text = (folder / "checkpoint").read_text()
    (folder / "checkpoint").write_text(text.replace(str(folder) + "/", ""))


if __name__ == "__main__":
    if "--tensorflow" in sys.argv:
        make_tensorflow()
    else:
        make_safetensors()
        make_torch()
