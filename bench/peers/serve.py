#!/usr/bin/env python3
"""Services at work: `electra serve` beside onnxruntime behind a Python server, as people run it, in turn.

    bench/peers/serve.py --electra build/release/electra --model OUT --texts sentences.txt
    bench/peers/serve.py --model OUT --texts sentences.txt --connections 1 16 64 --rounds 3
    bench/peers/serve.py --model OUT --texts sentences.txt --alone --threads 1 --cores 0 --load-cores 1

Both classify the same texts with the same fine-tuned model, on the same cores, under the same load of closed connections
over keep-alive; wrk makes it.  The peer is fastapi on uvicorn, tokenizers and onnxruntime on the graph that `electra
export` writes, all in one process; texts that wait are padded to the longest and computed together, as such services do.
Before the rounds both are asked the same texts, and their probabilities compared.  The peer runs in an environment of its
own (--python), with fastapi, uvicorn, onnxruntime, tokenizers and numpy.

--alone leaves the peer out and compares the server with the program: requests a second of 64 connections with the texts a
second of `electra predict`; one connection's latency with a call of the library (the Python package over --library); and
latencies at half of the highest rate, when requests come at random, with those of the same requests one at a time.
"""
import argparse
import contextlib
import itertools
import json
import os
import pathlib
import random
import re
import shutil
import statistics
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


# ---- the server beside the program itself ----

def predicted(a: argparse.Namespace, texts: list[str], work: pathlib.Path) -> Figures:
    """Texts a second of `electra predict`, its start apart."""
    def seconds(copies: int) -> float:
        file = work / f"{copies}.txt"
        file.write_text("\n".join(texts * copies if copies else texts[:1]) + "\n")
        begin = time.perf_counter()
        subprocess.run(["taskset", "-c", a.cores, a.electra, "predict", "--model", a.model, "--threads", str(a.threads), "--precision",
                        a.precision, "--format", "lines", str(file)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return time.perf_counter() - begin
    return {"requests_per_second": a.copies * len(texts) / (seconds(a.copies) - seconds(0))}


def called(a: argparse.Namespace, texts: list[str], work: pathlib.Path) -> Figures:
    """What a call of the library takes for each text, by the Python package."""
    package = work / "electra"
    if not package.exists():
        shutil.copytree(pathlib.Path(__file__).resolve().parents[2] / "python" / "electra", package)
        shutil.copy(a.library, package / "libelectra.so")
    precision = {"fp32": "float", "bf16": "bfloat16"}[a.precision]
    script = f"""
import sys, time
sys.path.insert(0, {str(work)!r})
import electra
texts = sys.stdin.read().splitlines()
model = electra.Model({str(pathlib.Path(a.model).resolve())!r}, threads={a.threads}, precision={precision!r})
for text in texts[:20]:
    model.predict([text])
took = []
for _ in range({a.copies}):
    begin = time.perf_counter()
    for text in texts:
        model.predict([text])
    took.append((time.perf_counter() - begin) / len(texts))
print(sorted(took)[len(took) // 2])
"""
    told = subprocess.run(["taskset", "-c", a.cores, a.python, "-c", script], input="\n".join(texts), text=True, check=True,
                          capture_output=True)
    return {"mean_ms": 1e3 * float(told.stdout)}


def arrivals(port: int, texts: list[str], rate: float, seconds: float) -> list[tuple[str, float]]:
    """Texts and their latencies, of requests that come at random, `rate` a second, whether or not others are answered; with
    rate 0 each comes when the one before it is answered."""
    import asyncio
    took = []

    async def connect() -> tuple:
        return await asyncio.open_connection("127.0.0.1", port)

    async def ask_over(connection: tuple, text: str, begin: float) -> None:
        reader, writer = connection
        body = bodies[text]
        writer.write(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                     % len(body) + body)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(re.search(rb"(?i)content-length: (\d+)", head)[1]))
        if not head.startswith(b"HTTP/1.1 200"):
            sys.exit(f"refused: {head.decode()}")
        took.append((text, time.perf_counter() - begin))

    async def run() -> None:
        chance, free, tasks = random.Random(1), [await connect() for _ in range(64)], []
        begin = due = time.perf_counter()
        for text in itertools.cycle(texts):
            if due - begin > seconds:
                break
            if not rate:
                due = time.perf_counter()
                await ask_over(free[0], text, due)
                continue
            due += chance.expovariate(rate)
            await asyncio.sleep(max(0, due - time.perf_counter()))
            connection = free.pop() if free else await connect()

            async def one(connection: tuple = connection, text: str = text, due: float = due) -> None:
                await ask_over(connection, text, due)
                free.append(connection)
            tasks.append(asyncio.create_task(one()))
        await asyncio.gather(*tasks)

    os.sched_setaffinity(0, {int(core) for core in ARRIVE_ON.split(",")})
    bodies = {text: json.dumps({"inputs": text}).encode() for text in texts}
    asyncio.run(run())
    return took


ARRIVE_ON = "0,1"  # cores of arrivals()


def alone(a: argparse.Namespace, texts: list[str], script: str, work: pathlib.Path) -> dict:
    global ARRIVE_ON
    port, ARRIVE_ON = 8931, a.load_cores
    command = ["taskset", "-c", a.cores, a.electra, "serve", "--model", a.model, "--port", str(port), "--threads", str(a.threads),
               "--precision", a.precision]
    with running(command, port):
        rates = take_turns({"serve": lambda: load(port, script, 64, a.seconds, a.load_cores),
                            "predict": lambda: predicted(a, texts, work)}, a.rounds, a.under)
        calls = take_turns({"serve": lambda: load(port, script, 1, a.seconds, a.load_cores), "library": lambda: called(a, texts, work)},
                           a.rounds, a.under)
        half = median(rates["serve"], "requests_per_second") / 2

        apart: dict[str, list[float]] = {}

        def spread(rate: float) -> Figures:
            took = arrivals(port, texts, rate, a.seconds)
            for text, seconds in took if not rate else ():
                apart.setdefault(text, []).append(seconds)
            times = sorted(seconds for _, seconds in took)
            slower = sorted(seconds / statistics.median(apart[text]) for text, seconds in took if text in apart)
            return {"p50_ms": 1e3 * times[len(times) // 2], "p99_ms": 1e3 * times[len(times) * 99 // 100],
                    "p50_slower": slower[len(slower) // 2], "p99_slower": slower[len(slower) * 99 // 100]}
        halves = take_turns({"one at a time": lambda: spread(0), "half load": lambda: spread(half)}, a.rounds, a.under)
    for turn in calls["serve"]:
        turn["mean_ms"] = 1e3 / turn["requests_per_second"]
    share = ratio(rates["serve"], rates["predict"], "requests_per_second")
    print(markdown(["", "serve", "beside", "ratio"], [
        ["requests a second, 64 connections; texts a second of predict", f"{median(rates['serve'], 'requests_per_second'):.4g}",
         f"{median(rates['predict'], 'requests_per_second'):.4g}", share],
        ["ms a request, one connection; a call of the library", f"{median(calls['serve'], 'mean_ms'):.4g}",
         f"{median(calls['library'], 'mean_ms'):.4g}", ratio(calls["serve"], calls["library"], "mean_ms")],
        *([f"{name} at {half:.4g} requests a second; one at a time", f"{median(halves['half load'], key):.4g}",
           f"{median(halves['one at a time'], key):.4g}", ratio(halves["half load"], halves["one at a time"], key)]
          for name, key in (("median ms", "p50_ms"), ("p99 ms", "p99_ms"), ("median of each beside itself alone", "p50_slower"),
                            ("p99 of that", "p99_slower")))]))
    return {"rates": rates, "calls": calls, "halves": halves}


def arguments() -> argparse.Namespace:
    p = parser(__doc__)
    p.add_argument("--model", required=True, help="what `electra finetune --task classify` wrote")
    p.add_argument("--texts", type=pathlib.Path, required=True, help="a text a line")
    p.add_argument("--connections", type=int, nargs="+", default=[1, 16, 64])
    p.add_argument("--seconds", type=float, default=10)
    p.add_argument("--precision", default="fp32", choices=TOLERANCE, help="of ours; the peer's is float")
    p.add_argument("--cores", default="0,1", help="of both services, and of what they are compared with")
    p.add_argument("--load-cores", help="of the load; default: --cores")
    p.add_argument("--alone", action="store_true", help="compare the server with the program instead of the peer")
    p.add_argument("--library", default="build/release/libelectra.so", help="for --alone")
    p.add_argument("--copies", type=int, default=5, help="how often --alone has all texts predicted in one turn")
    p.add_argument("--most", type=int, default=32, help="texts that the peer computes together")
    p.add_argument("--python", default=sys.executable, help="the peer's")
    p.add_argument("--peer", type=int, metavar="PORT", help=argparse.SUPPRESS)
    a = p.parse_args()
    a.load_cores = a.load_cores or a.cores
    return a


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
        if a.alone:
            return finish(a, alone(a, texts, str(script), place))
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
                contestants = {name: lambda port=port: load(port, str(script), connections, a.seconds, a.load_cores)
                               for name, (port, _) in services.items()}
                results[str(connections)] = take_turns(contestants, a.rounds, a.under)
    keys = ["requests_per_second", "p50_ms", "p99_ms"]
    rows = [[f"{name}, {key}"] + [f"{median(turns[name], key):.4g}" for turns in results.values()] for key in keys for name in services]
    rows.append(["ratio of requests"] + [ratio(t["electra"], t["onnxruntime"], "requests_per_second") for t in results.values()])
    print(markdown(["connections", *results], rows))
    finish(a, results)


if __name__ == "__main__":
    main()
