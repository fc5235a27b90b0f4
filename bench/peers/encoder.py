#!/usr/bin/env python3
"""An ELECTRA encoder run by one of the peers: what infer.py asks for its turns.

    bench/peers/encoder.py --library openvino-bf16 --model-size small --batch-size 1 --max-seq-length 32

Ids in, last hidden states out; sequences are full, so there is no attention mask.  Each library is given fixed shapes and
its own best settings: OpenVINO the latency hint and pinned threads, onnxruntime all graph optimisations (and, as
onnxruntime-fused, its transformer optimiser's graph with fused attention, layer norm and GELU), PyTorch inference mode and
fused attention.  In int8 activations are quantised at run time by all: onnxruntime-int8 is the fused graph after its
quantize_dynamic; openvino-int8 has weights of 8 bits a channel and quantises activations in groups of 128.  Weights are random unless --model-dir names a Hugging Face folder.
"""
import argparse
import pathlib
import statistics
import tempfile
import time
from collections.abc import Callable

import numpy as np
import torch
from rounds import Figures, serve, show
from transformers import ElectraConfig, ElectraModel, PreTrainedModel
from transformers.utils import logging

SIZES = {
    "small": dict(embedding_size=128, hidden_size=256, num_hidden_layers=12, num_attention_heads=4, intermediate_size=1024),
    "base": dict(embedding_size=768, hidden_size=768, num_hidden_layers=12, num_attention_heads=12, intermediate_size=3072),
}
VOCABULARY, FIRST_WORD = 30522, 1000

Run = Callable[[np.ndarray], np.ndarray]


class Hidden(torch.nn.Module):
    """Without the dictionary around the result, which exporters do not like."""

    def __init__(self, model: PreTrainedModel):
        super().__init__()
        self.model = model

    def forward(self, ids: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        return self.model(input_ids=ids, attention_mask=mask)[0]


def open_model(size: str, folder: pathlib.Path | None) -> ElectraModel:
    logging.set_verbosity_error()
    torch.manual_seed(1)
    if folder:
        return ElectraModel.from_pretrained(folder).eval()
    return ElectraModel(ElectraConfig(vocab_size=VOCABULARY, **SIZES[size])).eval()


def run_torch(model: ElectraModel, shape: tuple[int, int], threads: int, kind: str) -> Run:
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    hidden = Hidden(model.to(torch.bfloat16 if kind == "bf16" else torch.float32))

    @torch.inference_mode()
    def run(ids: np.ndarray) -> np.ndarray:
        return hidden(torch.from_numpy(ids)).float().numpy()

    return run


def quantise_openvino(graph: "openvino.Model") -> None:
    """Weights become 8-bit numbers less 128, times a scale an output: what OpenVINO's kernels with dynamic quantisation read."""
    from openvino import opset13 as ops

    for node in graph.get_ops():
        source = node.input_value(1).get_node() if node.get_type_name() == "MatMul" else None
        if source is None or source.get_type_name() != "Constant":
            continue
        weights = source.data.astype(np.float32)
        scale = abs(weights).max(1 if node.get_attributes()["transpose_b"] else 0, keepdims=True) / 127
        whole = ops.constant((np.round(weights / scale) + 128).astype(np.uint8))
        zero = ops.constant(np.full(scale.shape, 128, np.uint8))
        centred = ops.subtract(ops.convert(whole, "f32"), ops.convert(zero, "f32"))
        node.input(1).replace_source_output(ops.multiply(centred, ops.constant(scale)).output(0))
    graph.validate_nodes_and_infer_types()


def run_openvino(model: ElectraModel, shape: tuple[int, int], threads: int, kind: str) -> Run:
    import openvino as ov

    graph = ov.convert_model(Hidden(model), example_input=torch.ones(shape, dtype=torch.int64), input=[(list(shape), ov.Type.i64)])
    if kind == "int8":
        quantise_openvino(graph)
    request = ov.Core().compile_model(graph, "CPU", {
        **({"DYNAMIC_QUANTIZATION_GROUP_SIZE": "128"} if kind == "int8" else {}),
        "INFERENCE_PRECISION_HINT": "bf16" if kind == "bf16" else "f32", "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": "1", "INFERENCE_NUM_THREADS": str(threads), "ENABLE_CPU_PINNING": "YES"}).create_infer_request()
    return lambda ids: request.infer([ids], share_inputs=True, share_outputs=True)[0]


def export_onnx(model: PreTrainedModel, names: list[str], shape: tuple[int, int], path: pathlib.Path, open_length: bool) -> None:
    """The model's first result as a graph; of any sequence length, or of this one."""
    model.set_attn_implementation("eager")  # the graph that onnxruntime's fusions know
    inputs = [torch.ones(shape, dtype=torch.int64)] * len(names)
    axes = {name: {1: "length"} for name in names} if open_length else {}
    torch.onnx.export(Hidden(model), tuple(inputs), path, input_names=names, output_names=["hidden"],
                      opset_version=17, dynamo=False, dynamic_axes=axes)


def fuse(model: PreTrainedModel, path: pathlib.Path) -> None:
    from onnxruntime.transformers.optimizer import optimize_model

    graph = optimize_model(str(path), model_type="bert", num_heads=model.config.num_attention_heads,
                           hidden_size=model.config.hidden_size, opt_level=0)
    if graph.get_fused_operator_statistics()["Attention"] != model.config.num_hidden_layers:
        raise RuntimeError("onnxruntime's optimiser did not find the attention of every layer")
    graph.save_model_to_file(str(path))


def run_onnxruntime(model: PreTrainedModel, shape: tuple[int, int], threads: int, kind: str, open_length: bool = False) -> Run:
    """The fused graph needs a mask, without which the optimiser finds no attention: all ones."""
    import onnxruntime as ort

    settings = ort.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    fused = kind in ("fused", "int8")
    names = ["ids", "mask"] if fused else ["ids"]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "encoder.onnx"
        export_onnx(model, names, shape, path, open_length)
        if fused:
            fuse(model, path)
        if kind == "int8":
            import onnx
            from onnxruntime.quantization import QuantType, quantize_dynamic

            quantize_dynamic(path, path.with_suffix(".int8.onnx"), weight_type=QuantType.QInt8,
                             extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT})
            path = path.with_suffix(".int8.onnx")
        session = ort.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
    return lambda ids: session.run(None, dict(zip(names, (ids, np.ones_like(ids)))))[0]


LIBRARIES = {
    "openvino": (run_openvino, "float"), "openvino-bf16": (run_openvino, "bf16"), "openvino-int8": (run_openvino, "int8"),
    "onnxruntime": (run_onnxruntime, "float"), "onnxruntime-fused": (run_onnxruntime, "fused"),
    "onnxruntime-int8": (run_onnxruntime, "int8"),
    "torch": (run_torch, "float"), "torch-bf16": (run_torch, "bf16"),
}


def open_encoder(library: str, size: str, shape: tuple[int, int], threads: int, folder: pathlib.Path | None = None) -> Run:
    opener, kind = LIBRARIES[library]
    return opener(open_model(size, folder), shape, threads, kind)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--library", choices=LIBRARIES, required=True)
    p.add_argument("--model-size", choices=SIZES, default="small")
    p.add_argument("--batch-size", type=int, default=1)
    p.add_argument("--max-seq-length", type=int, default=128)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--seconds", type=float, default=3)
    p.add_argument("--serve", action="store_true", help="measure when infer.py asks, not once")
    a = p.parse_args()
    shape = a.batch_size, a.max_seq_length
    run = open_encoder(a.library, a.model_size, shape, a.threads)
    ids = np.random.default_rng(1).integers(FIRST_WORD, VOCABULARY, shape)

    def measure(seconds: float) -> Figures:
        """After one call to wake threads and caches."""
        run(ids)
        times, end = [], time.perf_counter() + seconds
        while len(times) < 3 or time.perf_counter() < end:
            start = time.perf_counter()
            run(ids)
            times.append(time.perf_counter() - start)
        return {"library": a.library, "model_size": a.model_size, "threads": a.threads, "batch_size": a.batch_size,
                "max_seq_length": a.max_seq_length, "runs": len(times), "milliseconds": 1e3 * statistics.median(times)}

    run(ids)
    serve(measure) if a.serve else show(measure(a.seconds))


if __name__ == "__main__":
    main()
