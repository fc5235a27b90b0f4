#!/usr/bin/env python3
"""Services at work: `electra serve` beside onnxruntime behind a Python server, as people run it, in turn.

    bench/peers/serve.py --electra build/release/electra --model OUT --texts sentences.txt
    bench/peers/serve.py --model OUT --texts sentences.txt --connections 1 16 64 --rounds 3

Both classify the same texts with the same fine-tuned model, on the same cores, under the same load of closed connections
over keep-alive; wrk makes it.  The peer is fastapi on uvicorn, tokenizers and onnxruntime on the graph that `electra
export` writes, all in one process; texts that wait are padded to the longest and computed together, as such services do.
Before the rounds both are asked the same texts, and their probabilities compared.  The peer runs in an environment of its
own (--python), with fastapi, uvicorn, onnxruntime, tokenizers and numpy.
"""
import argparse
import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator

from rounds import Figures, finish, markdown, median, parser, ratio, take_turns

TOLERANCE = {"fp32": 1e-4, "bf16": 0.03}  # of probabilities
LUA = """local bodies = {%s}
local i = 0
function request()
    i = i %% #bodies + 1
    return wrk.format("POST", "/predict", {["Content-Type"] = "application/json"}, bodies[i])
end
function done(summary, latency)
    io.stderr:write(string.format('{"requests": %%d, "microseconds": %%d, "p50": %%d, "p99": %%d, "errors": %%d}\\n', summary.requests,
        summary.duration, latency:percentile(50), latency:percentile(99), summary.errors.status + summary.errors.timeout))
end
"""


def peer(model: str, port: int, threads: int, most: int) -> None:
    """The service of the other side."""
    import asyncio

    import fastapi
    import numpy
    import onnxruntime
    import tokenizers
    import uvicorn

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(f"{model}/model.onnx", options, providers=["CPUExecutionProvider"])
    tokenizer = tokenizers.Tokenizer.from_file(f"{model}/tokenizer.json")
    config = json.loads(pathlib.Path(f"{model}/config.json").read_text())
    tokenizer.enable_truncation(config["task"]["max_seq_length"])
    tokenizer.enable_padding(pad_id=config["pad_token_id"])
    labels = [config["id2label"][str(i)] for i in range(len(config["id2label"]))]
    app = fastapi.FastAPI()
    waiting: asyncio.Queue = asyncio.Queue()

    def compute(texts: list[str]) -> numpy.ndarray:
        rows = tokenizer.encode_batch(texts)
        feed = {"input_ids": [r.ids for r in rows], "attention_mask": [r.attention_mask for r in rows],
                "token_type_ids": [r.type_ids for r in rows]}
        logits = session.run(["logits"], {k: numpy.array(v, numpy.int64) for k, v in feed.items()})[0]
        e = numpy.exp(logits - logits.max(1, keepdims=True))
        return e / e.sum(1, keepdims=True)

    async def work() -> None:
        while True:
            batch = [await waiting.get()]
            while len(batch) < most and not waiting.empty():
                batch.append(waiting.get_nowait())
            answers = await asyncio.to_thread(compute, [text for text, _ in batch])
            for (_, future), answer in zip(batch, answers):
                future.set_result(answer)

    @app.on_event("startup")
    async def begin() -> None:
        app.state.worker = asyncio.create_task(work())

    @app.post("/predict")
    async def predict(body: dict) -> list[dict]:
        future = asyncio.get_running_loop().create_future()
        waiting.put_nowait((body["inputs"], future))
        answer = await future
        return sorted(({"label": l, "score": float(p)} for l, p in zip(labels, answer)), key=lambda one: -one["score"])

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


def ask(port: int, text: str) -> dict[str, float]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/predict", json.dumps({"inputs": text}).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return {one["label"]: one["score"] for one in json.load(answer)}


@contextlib.contextmanager
def running(command: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            with contextlib.suppress(OSError):
                ask(port, "a")
                break
            if process.poll() is not None:
                sys.exit(f"{command[0]}: ended with {process.returncode}")
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait()


def load(port: int, script: str, connections: int, seconds: float, cores: str) -> Figures:
    told = subprocess.run(["taskset", "-c", cores, "wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "60s", "-s", script,
                           f"http://127.0.0.1:{port}"], capture_output=True, text=True, check=True)
    f = json.loads(re.search(r"\{.*\}", told.stderr)[0])
    if not f["requests"]:
        sys.exit(f"nobody was answered within {seconds:g} s; --seconds gives more")
    return {"requests_per_second": 1e6 * f["requests"] / f["microseconds"], "p50_ms": f["p50"] / 1e3, "p99_ms": f["p99"] / 1e3,
            "errors": f["errors"]}


def arguments() -> argparse.Namespace:
    p = parser(__doc__)
    p.add_argument("--model", required=True, help="what `electra finetune --task classify` wrote")
    p.add_argument("--texts", type=pathlib.Path, required=True, help="a text a line")
    p.add_argument("--connections", type=int, nargs="+", default=[1, 16, 64])
    p.add_argument("--seconds", type=float, default=10)
    p.add_argument("--precision", default="fp32", choices=TOLERANCE, help="of ours; the peer's is float")
    p.add_argument("--cores", default="0,1", help="of both services and the load")
    p.add_argument("--most", type=int, default=32, help="texts that the peer computes together")
    p.add_argument("--python", default=sys.executable, help="the peer's")
    p.add_argument("--peer", type=int, metavar="PORT", help=argparse.SUPPRESS)
    return p.parse_args()


def main() -> None:
    a = arguments()
    if a.peer:
        return peer(a.model, a.peer, a.threads, a.most)
    texts = [line for line in a.texts.read_text().splitlines() if line.strip()]
    folder = pathlib.Path(a.model) / "model"
    with tempfile.TemporaryDirectory() as work:
        place = pathlib.Path(work)
        for name in ("config.json", "tokenizer.json"):
            os.symlink((folder / name).resolve(), place / name)
        subprocess.run([a.electra, "export", "--model", a.model, "--format", "onnx", "--output", str(place / "model.onnx")],
                       check=True, stderr=subprocess.DEVNULL)
        script = place / "load.lua"
        script.write_text(LUA % ",\n".join("[====[" + json.dumps({"inputs": t}) + "]====]" for t in texts))
        pinned = ["taskset", "-c", a.cores]
        services = {
            "electra": (8931, pinned + [a.electra, "serve", "--model", a.model, "--port", "8931", "--threads", str(a.threads),
                                        "--precision", a.precision]),
            "onnxruntime": (8932, pinned + [a.python, __file__, "--peer", "8932", "--model", work, "--texts", "-", "--threads",
                                            str(a.threads), "--most", str(a.most)]),
        }
        results = {}
        with contextlib.ExitStack() as stack:
            for port, command in services.values():
                stack.enter_context(running(command, port))
            for text in texts[:50]:
                ours, theirs = (ask(port, text) for port, _ in services.values())
                apart = max(abs(ours[k] - theirs[k]) for k in ours)
                if apart > TOLERANCE[a.precision]:
                    sys.exit(f"the answers to \"{text[:60]}\" are {apart:.3g} apart")
            for connections in a.connections:
                contestants = {name: lambda port=port: load(port, str(script), connections, a.seconds, a.cores)
                               for name, (port, _) in services.items()}
                results[str(connections)] = take_turns(contestants, a.rounds, a.under)
    keys = ["requests_per_second", "p50_ms", "p99_ms"]
    rows = [[f"{name}, {key}"] + [f"{median(turns[name], key):.4g}" for turns in results.values()] for key in keys for name in services]
    rows.append(["ratio of requests"] + [ratio(t["electra"], t["onnxruntime"], "requests_per_second") for t in results.values()])
    print(markdown(["connections", *results], rows))
    finish(a, results)


if __name__ == "__main__":
    main()
