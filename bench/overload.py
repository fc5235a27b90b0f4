#!/usr/bin/env python3
"""overload - a server that is asked for twice what it can do, for long: its memory, and whose answers they are

    bench/overload.py --electra build/release/electra --model run=RUN --model tuned=FINETUNED --texts sentences.txt --minutes 60

64 connections ask all that the models can do, each text in turn, with room for 24 requests in the server's queue.  Each
request carries a number; its answer must carry the same number, and hold the bytes that were had when nothing else was asked.
A connection that is refused asks something else at once, unless more have been refused than answered: so twice as
many are asked as are answered.  Memory is sampled all along.  Ends with 1 when an answer was wrong, or the server ended.
Python's own library is all it needs.
"""
import argparse
import asyncio
import itertools
import json
import pathlib
import re
import subprocess
import sys
import time
import urllib.request

LIMITS = ["--max-queue-requests", "24", "--idle-timeout", "86400"]  # who was refused may wait long on a busy machine


def bodies(ask: str, text: str, other: str) -> list[tuple[str, dict]]:
    """Addresses and bodies by which a model that can do `ask` is asked about `text`."""
    one = {"inputs": text}
    return {"detect": [("/detect", one), ("/tokenize", one)],
            "fill": [("/fill", {"inputs": re.sub(r"\w+", "[MASK]", text, count=1)})],
            "embed": [("/embed", one), ("/v1/embeddings", {"input": text})],
            "predict": [("/predict", one)],
            "rerank": [("/rerank", {"query": other, "texts": [text, other]})]}.get(ask, [])


def asks(model: dict) -> list[str]:
    """A model that gives one number for a pair ranks."""
    return ["rerank", "embed"] if model.get("pair") and model["kind"] == "regress" else model["asks"]


def start(a: argparse.Namespace) -> tuple[subprocess.Popen, int]:
    words = [a.electra, "serve", "--port", "0", "--threads", str(a.threads), *LIMITS]
    for model in a.model:
        words += ["--model", model]
    server = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    for line in server.stderr:
        if told := re.search(r"listening on http://[^:]*:(\d+)", line):
            return server, int(told[1])
    sys.exit(f"{a.electra} serve ended with {server.wait()}")


def resident(process: int) -> float:
    """MB."""
    status = pathlib.Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"VmRSS:\s*(\d+)", status)[1]) * 1024 / 1e6


class Load:
    def __init__(self, port: int):
        self.port = port
        self.answered = self.refused = self.wrong = self.cut = 0
        self.numbers = itertools.count(1)
        self.turns = itertools.count()
        self.requests: list[tuple[bytes, bytes]] = []
        self.alone: list[bytes] = []
        self.end = 0.0

    async def ask(self, connection: tuple, request: tuple[bytes, bytes]) -> tuple[int, bytes]:
        """The code and the body; what carries another number is told, and counted as wrong."""
        reader, writer = connection
        address, body = request
        number = b"%d" % next(self.numbers)
        writer.write(b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-Request-Id: %s\r\n"
                     b"Content-Length: %d\r\n\r\n%s" % (address, number, len(body), body))
        head = await reader.readuntil(b"\r\n\r\n")
        told = await reader.readexactly(int(re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)[1]))
        if re.search(rb"(?i)\r\nx-request-id: *([^\r]*)", head)[1] != number:
            self.wrong += 1
            print(f"request {number.decode()} has the answer {head.decode()}", file=sys.stderr)
        return int(head.split(b" ", 2)[1]), told

    async def connect(self) -> tuple:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def ask_alone(self, a: argparse.Namespace) -> None:
        """Finds what is to be asked, and what is answered when nothing else is."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/info") as answer:
            models = json.load(answer)["models"]
        texts = [line for line in a.texts.read_text().splitlines() if line.strip()][:a.count]
        asked = [(f"{address}?model={model['model_id']}".encode(), json.dumps(body).encode())
                 for text, other in zip(texts, texts[1:] + texts[:1]) for model in models for one in asks(model)
                 for address, body in bodies(one, text, other)]
        connection = await self.connect()
        for request in asked:
            code, told = await self.ask(connection, request)
            if code != 200:
                sys.exit(f"{request[0].decode()} {request[1].decode()}: {code} {told.decode()}")
            self.requests.append(request)
            self.alone.append(told)

    async def client(self) -> None:
        connection = await self.connect()
        while time.monotonic() < self.end:
            turn = next(self.turns) % len(self.requests)
            try:
                code, told = await self.ask(connection, self.requests[turn])
            except (OSError, asyncio.IncompleteReadError):
                self.cut += 1
                connection = await self.connect()
                continue
            if code == 429:
                self.refused += 1
                while self.refused > self.answered and time.monotonic() < self.end:
                    await asyncio.sleep(0.01)
            elif code == 200 and told == self.alone[turn]:
                self.answered += 1
            else:
                self.wrong += 1
                print(f"{self.requests[turn]}: {code} {told[:300]}", file=sys.stderr)

    async def watch(self, server: subprocess.Popen, every: float) -> None:
        begin = time.monotonic()
        while (now := time.monotonic()) < self.end:
            if server.poll() is not None:
                sys.exit(f"the server ended with {server.returncode}")
            print(json.dumps({"seconds": round(now - begin), "resident_mb": round(resident(server.pid), 1), "answered": self.answered,
                              "refused": self.refused, "wrong": self.wrong, "cut": self.cut}), flush=True)
            await asyncio.sleep(min(every, max(0.0, self.end - time.monotonic())))

    async def run(self, server: subprocess.Popen, a: argparse.Namespace) -> None:
        await self.ask_alone(a)
        self.end = time.monotonic() + 60 * a.minutes
        await asyncio.gather(self.watch(server, a.every), *(self.client() for _ in range(a.connections)))
        print(json.dumps({"seconds": round(60 * a.minutes), "resident_mb": round(resident(server.pid), 1), "answered": self.answered,
                          "refused": self.refused, "wrong": self.wrong, "cut": self.cut}))


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--electra", default="build/release/electra")
    p.add_argument("--model", action="append", required=True, help="as of electra serve; several times for several")
    p.add_argument("--texts", type=pathlib.Path, required=True, help="a text a line")
    p.add_argument("--count", type=int, default=400, help="texts taken from it")
    p.add_argument("--minutes", type=float, default=60)
    p.add_argument("--every", type=float, default=30, help="seconds from one sample of memory to the next")
    p.add_argument("--connections", type=int, default=64)
    p.add_argument("--threads", type=int, default=1)
    a = p.parse_args()
    server, port = start(a)
    load = Load(port)
    try:
        asyncio.run(load.run(server, a))
    finally:
        server.terminate()
        code = server.wait()
    sys.exit(1 if load.wrong or load.cut or code else 0)


if __name__ == "__main__":
    main()
