#!/usr/bin/env python3
"""Whether an exported ONNX file is valid, and gives transformers' answers in onnxruntime and OpenVINO.

    check_onnx.py FILE MODEL_FOLDER     for example: check_onnx.py model.onnx run/discriminator

Prints what onnxruntime fused and the largest difference; fails above 1e-4.  Needs onnx, onnxruntime, openvino, torch and
transformers.
"""
import argparse
import collections
import tempfile

import numpy
import onnx
import onnxruntime
import openvino
import torch
import transformers

SHAPES = [(1, 1), (1, 7), (3, 19), (2, 48)]


def batches(config):
    random = numpy.random.default_rng(0)
    for batch, length in SHAPES + [(1, config.max_position_embeddings)]:
        mask = numpy.ones((batch, length), numpy.int64)
        if batch > 1:
            mask[1, length // 2 + 1:] = 0
        yield {"input_ids": random.integers(5, config.vocab_size, (batch, length)),
               "attention_mask": mask,
               "token_type_ids": numpy.tile(numpy.arange(length) > length // 2, (batch, 1)).astype(numpy.int64)}


def expected(model, batch):
    with torch.no_grad():
        out = model(**{name: torch.tensor(values) for name, values in batch.items()})
    for name in ("logits", "start_logits", "end_logits", "last_hidden_state"):
        if name in out:
            yield name, out[name].numpy()


def difference(wanted, given, mask):
    assert wanted.shape == given.shape, (wanted.shape, given.shape)
    gap = numpy.abs(wanted - given)
    return float((gap[mask.astype(bool)] if gap.shape[:2] == mask.shape else gap).max())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("folder")
    args = parser.parse_args()
    onnx.checker.check_model(onnx.load(args.file), full_check=True)
    config = transformers.AutoConfig.from_pretrained(args.folder)
    model = getattr(transformers, config.architectures[0]).from_pretrained(args.folder).eval()
    with tempfile.NamedTemporaryFile(suffix=".onnx") as optimised:
        options = onnxruntime.SessionOptions()
        options.optimized_model_filepath = optimised.name
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(args.file, options, providers=["CPUExecutionProvider"])
        ops = collections.Counter(node.op_type for node in onnx.load(optimised.name).graph.node)
    print("onnxruntime runs", dict(ops))
    vino = openvino.Core().compile_model(args.file, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    names = [output.name for output in session.get_outputs()]
    worst = {"onnxruntime": 0.0, "OpenVINO": 0.0}
    for batch in batches(config):
        ours = {"onnxruntime": dict(zip(names, session.run(None, batch)))}
        answer = vino(batch)
        ours["OpenVINO"] = {name: answer[name] for name in names}
        for name, wanted in expected(model, batch):
            for peer in worst:
                worst[peer] = max(worst[peer], difference(wanted, ours[peer][name], batch["attention_mask"]))
    print("largest difference from transformers", worst)
    assert max(worst.values()) <= 1e-4


if __name__ == "__main__":
    main()
