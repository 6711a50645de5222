"""A student's answer as a function that runs in another process: the judge calls it like any other."""

import base64
import builtins
import contextlib
import io
import json
import os
import pickle
import select
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from pmt_helpers.teaching.exercises.calling import TimeUp

SECONDS = 30.0  # that all calls of one answer may take, beside the judge's own limit for one call
_MOST_BYTES = 64 << 20  # of what one call returns


class Ended(Exception):
    """The answer's process is gone: ended for a `forbidden` act, or by a limit of memory or processor time."""

    def __init__(self, why: str, forbidden: str = "") -> None:
        super().__init__(why)
        self.forbidden = forbidden


class Sandboxed:
    """`expression` after `code`, to be called; close it to end its process.

    forbidden: what it tried that no answer needs, such as "open /etc/passwd"; empty so far. line: where it last raised.
    """

    def __init__(self, code: str, expression: str, seconds: float = SECONDS) -> None:
        self.forbidden, self.line = "", 0
        self._deadline = time.monotonic() + seconds
        threads = {f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "OMP", "MKL")}
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(__file__).with_name("worker.py")), str(Path(np.__file__).parents[1])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0, start_new_session=True,
            cwd=os.path.sep, env={"PATH": os.defpath, **threads},
        )  # fmt: skip
        self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()  # type: ignore[union-attr]
        os.set_blocking(self._in, False)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                self.is_function = self._ask((code, expression))["value"]
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the process and whatever it may have started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()  # type: ignore[union-attr]

    def __call__(self, *arguments: Any) -> Any:
        answer = self._ask(arguments)
        for mine, after in zip(arguments, answer["after"], strict=True):
            _replace(mine, decoded(after))
        return answer["value"]

    def _ask(self, question: Any) -> dict[str, Any]:
        if self._process.poll() is not None:
            raise Ended(self.forbidden or "its process has ended")
        content = pickle.dumps(question)
        try:
            self._write(struct.pack("<I", len(content)) + content)
            (length,) = struct.unpack("<I", self._read(4))
            if length > _MOST_BYTES:
                raise Ended("it returns more than can be read")
            answer = json.loads(self._read(length))
            if self.forbidden or "forbidden" in answer:
                self.forbidden = self.forbidden or str(answer["forbidden"])[:120]
                raise Ended(f"forbidden: {self.forbidden}", self.forbidden)
            print(end=str(answer["printed"]))
            if "raised" in answer:
                kinds, text, self.line = answer["raised"]
                error = _error([str(kind) for kind in kinds], str(text))
            else:
                error, answer["value"] = None, decoded(answer["value"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError, MemoryError) as broken:
            self.close()
            raise Ended(f"its process sent no answer ({type(broken).__name__})") from None
        except (TimeUp, KeyboardInterrupt, Ended):
            self.close()
            raise
        if error is not None:
            raise error
        return answer

    def _write(self, content: bytes) -> None:
        """Within the time limit: an answer need not read what it is sent."""
        while content:
            self._wait([], [self._in])
            content = content[os.write(self._in, content[: 1 << 16]) :]

    def _read(self, length: int) -> bytes:
        content = b""
        while len(content) < length:
            self._wait([self._out], [])
            part = os.read(self._out, min(1 << 20, length - len(content)))
            if not part:
                raise Ended("its process ended: out of memory or of processor time, or it left Python")
            content += part
        return content

    def _wait(self, reading: list[int], writing: list[int]) -> None:
        if not any(select.select(reading, writing, [], max(0.0, self._deadline - time.monotonic()))):
            raise TimeUp


def _error(kinds: list[str], text: str) -> Exception:
    """An exception of the same name and text, and of the first of its kinds that Python itself has."""
    ours = (getattr(builtins, kind, None) for kind in kinds)
    base = next((kind for kind in ours if isinstance(kind, type) and issubclass(kind, Exception)), Exception)
    return type(kinds[0], (base,), {"__init__": lambda *_: None, "__str__": lambda _: text})()


def decoded(value: Any) -> Any:
    """The value that `worker.encoded` wrote. Raises ValueError, KeyError or TypeError for anything else."""
    if not isinstance(value, dict):
        return value
    if "array" in value:
        kind, shape, content = value["array"]
        if np.dtype(kind).kind not in "biufUS":
            raise ValueError(kind)
        array = np.frombuffer(base64.b64decode(content), kind).reshape([int(n) for n in shape]).copy()
        return array[()] if value["scalar"] else array
    if "bytes" in value:
        return base64.b64decode(value["bytes"])
    if "list" in value:
        return [decoded(part) for part in value["list"]]
    if "tuple" in value:
        return tuple(decoded(part) for part in value["tuple"])
    if "dict" in value:
        return {decoded(key): decoded(part) for key, part in value["dict"]}
    return ... if "ellipsis" in value else type(str(value["other"]), (), {})()


def _replace(mine: Any, after: Any) -> None:
    """Make an argument what it is after the call, so that the judge sees whether the answer changed it."""
    if isinstance(mine, np.ndarray) and isinstance(after, np.ndarray) and mine.shape == after.shape:
        mine[...] = after
    elif isinstance(mine, list) and isinstance(after, list):
        mine[:] = after
    elif isinstance(mine, dict) and isinstance(after, dict):
        mine.clear()
        mine.update(after)
