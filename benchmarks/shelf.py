"""A thousand devices fetch a release: from a shelf, plain and encrypted, and as static files from two web servers.

    python benchmarks/shelf.py [devices] [at once]

The same bytes and the same client for all: each device has a new connection, asks for the manifest and each chunk, and
checks every digest. Client and server share this machine, so devices a second are a lower bound for the server; its
processor time for each device is not. In one run all servers take turns.
"""

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
import psutil
import zmq
from parts.turns import first_line

from pmt_helpers.activity.weights import Checkpoint, Preprocessor, Weights
from pmt_helpers.system import Refused, make_release, new_signing_key, open_source, questions
from pmt_helpers.system.bundle import SIGNATURE, check_chunk
from pmt_helpers.system.wire import QUESTION

ROUNDS = 3
FEATURES = [f"feature {i}" for i in range(43)]
ABOUT = {
    "dataset": "watch", "window_s": 5.0, "rate_hz": 50.0, "units": "m/s2 with gravity",
    "class_names": list("abcdef"), "feature_names": FEATURES,
}  # fmt: skip
SERVE = {
    "shelf, plain": "from pmt_helpers.system import Shelf; s = Shelf({folder!r}, 'tcp://127.0.0.1:{port}'); s.run()",
    "shelf, encrypted": (
        "from pmt_helpers.system import Shelf; s = Shelf({folder!r}, 'tcp://127.0.0.1:{port}', {keys!r}); s.run()"
    ),
    "python -m http.server": (
        "import http.server as h, os; os.chdir({folder!r}); h.SimpleHTTPRequestHandler.log_request = lambda *_: None\n"
        "h.ThreadingHTTPServer.request_queue_size = 512\n"
        "h.ThreadingHTTPServer(('127.0.0.1', {port}), h.SimpleHTTPRequestHandler).serve_forever()"
    ),
    "Tornado": (
        "import asyncio, tornado.web as w, tornado.ioloop as i\n"
        "async def main():\n"
        "    w.Application([('/(.*)', w.StaticFileHandler, {{'path': {folder!r}}})], log_function=lambda _: None)"
        ".listen({port}, '127.0.0.1')\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())"
    ),
}
if shutil.which("nginx"):  # no requirement of the workbook
    SERVE["nginx"] = (
        "import os, tempfile; at = tempfile.mkdtemp()\n"
        "open(at + '/conf', 'w').write('daemon off; master_process off; error_log stderr; pid ' + at + '/pid; "
        "events {{}} http {{ access_log off; ' + ''.join(k + '_temp_path ' + at + '/' + k + '; ' for k in "
        "('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi')) + "
        "'server {{ listen 127.0.0.1:{port}; root {folder}; }} }}')\n"
        "os.execvp('nginx', ['nginx', '-c', at + '/conf', '-p', at, '-e', 'stderr'])"
    )


def one_device(address: str, key: str | None) -> float:
    """Fetch everything once, and throw it away; returns the seconds it took."""
    began = time.perf_counter()
    source = open_source(address, key, timeout_s=60)
    try:
        head = source.ask(questions("watch")[0])
        stated = json.loads(head[SIGNATURE:])  # verifying it is the device's work, on its own processor
        for question in questions("watch", stated):
            check_chunk(stated, QUESTION.unpack(question)[-1], source.ask(question))
    finally:
        source.close()
    return time.perf_counter() - began


def crowd(kind: str, folder: Path, devices: int, at_once: int, port: int) -> dict[str, float]:
    """So many devices at a new server of a kind."""
    keys = zmq.curve_keypair() if kind == "shelf, encrypted" else None
    program = SERVE[kind].format(folder=str(folder), port=port, keys=keys)
    server = subprocess.Popen([sys.executable, "-c", program])
    address = f"{'tcp' if kind.startswith('shelf') else 'http'}://127.0.0.1:{port}"
    key = keys[0].decode() if keys else None
    try:
        for _ in range(200):
            try:
                one_device(address, key) if not kind.startswith("shelf") else _wait_for(port)
                break
            except (Refused, OSError):
                time.sleep(0.05)
        seen = psutil.Process(server.pid)
        idle_mb, cpu, began = seen.memory_info().rss / 1e6, sum(seen.cpu_times()[:2]), time.perf_counter()
        with ThreadPoolExecutor(at_once) as pool:
            took = list(pool.map(lambda _: one_device(address, key), range(devices)))
        seconds = time.perf_counter() - began
        return {
            "devices a second": devices / seconds,
            "server CPU ms a device": 1e3 * (sum(seen.cpu_times()[:2]) - cpu) / devices,
            "median ms": 1e3 * median(took), "slowest ms": 1e3 * max(took), "idle MB": idle_mb, "MB": _peak_mb(seen),
        }  # fmt: skip
    finally:
        server.kill()
        server.wait()


def _wait_for(port: int) -> None:
    socket.create_connection(("127.0.0.1", port), timeout=1).close()


def _peak_mb(process: psutil.Process) -> float:
    try:
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1e3 for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return process.memory_info().rss / 1e6


def compare(devices: int, at_once: int, kinds: Sequence[str] = tuple(SERVE), rounds: int = ROUNDS) -> pd.DataFrame:
    """Every server in turns; the medians over rounds, and server CPU as a multiple of the plain shelf's."""
    rng, rows, port = np.random.default_rng(0), [], 21000
    model = Checkpoint(Weights.initial(43, 6, "he", rng), Preprocessor(np.zeros(43, "f4"), np.ones(43, "f4")))
    with tempfile.TemporaryDirectory() as folder:
        expires = date.today() + timedelta(days=1)
        key = new_signing_key()[0]
        make_release(model, ABOUT, name="watch", version=1, expires=expires, signing_key=key).write(Path(folder))
        for turn in range(rounds):
            for kind in kinds:
                port += 1
                rows.append({"server": kind, "round": turn, **crowd(kind, Path(folder), devices, at_once, port)})
    table = pd.DataFrame(rows).groupby("server", sort=False).median().drop(columns="round")
    table["CPU, times the first"] = table["server CPU ms a device"] / table["server CPU ms a device"].iloc[0]
    return table


if __name__ == "__main__":
    n, together = (int(word) for word in (sys.argv[1:] + ["1000", "50"][len(sys.argv) - 1 :]))
    print(first_line("pyzmq", "tornado"))
    print(f"{n} devices, {together} at once, medians of {ROUNDS} rounds")
    print(compare(n, together).round(2).to_string())
