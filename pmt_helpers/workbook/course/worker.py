"""Runs one student's answer in a process of its own, which knows no exercise and no solution. Started by `sandbox`.

It gets the code, then the arguments of one call after another, and sends back what each call returned: whatever an
answer does in here, it can only choose what it returns. Imports nothing of the package, which it may not read.

Before the answer is run the system takes away files, sockets and new processes (resource limits; root is exempt from
the last). An audit hook ends the process at the first forbidden act, to say which. That stops students, not an expert
in CPython: grade people you do not trust in a container or a virtual machine.
"""

import ast
import base64
import contextlib
import importlib.metadata
import io
import json
import os
import pickle
import resource
import struct
import sys
import traceback
from collections.abc import Callable
from typing import Any

_LIBRARIES = sys.argv[1:2]  # the folder of NumPy; the standard library is known
_HIDDEN = "pmt_helpers"
_MEMORY = 2 << 30  # bytes of addresses
_CPU_SECONDS = 60
_MOST_PRINTED = 900
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_STRANGE_MODULES = {
    _HIDDEN, "_posixsubprocess", "subprocess", "multiprocessing", "socket", "_socket", "ctypes", "_ctypes",
}  # fmt: skip
_KNOWN = {"numpy", "scipy", "pandas", "sklearn", *sys.stdlib_module_names} - _STRANGE_MODULES
_FORBIDDEN = (
    "socket.", "subprocess.", "ctypes.", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.kill",
    "os.putenv", "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod",
    "os.chown", "os.utime", "shutil.", "pty.", "signal.", "webbrowser.", "resource.", "urllib.",
    "sqlite3.", "mmap.", "syslog.", "cpython.PyInterpreterState_New",
)  # fmt: skip


def encoded(value: Any) -> Any:
    """A value as JSON with tags: what the other side reads must not be able to run code there, as a pickle is."""
    numpy = sys.modules["numpy"]
    if hasattr(type(value), "__array__"):  # a Series, which the check in the notebook takes, too
        value = numpy.asarray(value) if not isinstance(value, numpy.generic) else value
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, numpy.ndarray | numpy.generic) and value.dtype.kind in "biufUS":
        content = base64.b64encode(numpy.ascontiguousarray(value).tobytes()).decode()
        return {"array": [value.dtype.str, list(value.shape), content], "scalar": isinstance(value, numpy.generic)}
    if value is ...:
        return {"ellipsis": True}
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, list | tuple):
        return {"list" if isinstance(value, list) else "tuple": [encoded(part) for part in value]}
    if isinstance(value, dict):
        return {"dict": [[encoded(key), encoded(part)] for key, part in value.items()]}
    return {"other": type(value).__name__}


def _called(function: Callable[..., Any], arguments: tuple[Any, ...]) -> dict[str, Any]:
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            answer = {"value": encoded(function(*arguments))}
    except BaseException as error:
        frames = traceback.walk_tb(error.__traceback__)  # extract_tb would read source files
        lines = [line for frame, line in frames if frame.f_code.co_filename == "<answer>"]
        text = (str(error).splitlines() or [""])[0][:200]
        kinds = [kind.__name__ for kind in type(error).__mro__]
        answer = {"raised": [kinds, text, lines[-1] if lines else 0]}
    return answer | {"after": [encoded(part) for part in arguments], "printed": printed.getvalue()[:_MOST_PRINTED]}


def _load_libraries(code: str) -> None:
    """Import what the answer imports and names of known libraries now: no file can be opened later."""
    nodes, names = list(ast.walk(ast.parse(code))), dict[str, Any]()
    for node in nodes:
        module = node.names[0].name if isinstance(node, ast.Import) else getattr(node, "module", None)
        if isinstance(node, ast.Import | ast.ImportFrom) and str(module).partition(".")[0] in _KNOWN:
            with contextlib.suppress(ImportError, AttributeError):
                exec(ast.unparse(node), names)
    for node in nodes:  # such as scipy.special, which scipy loads when it is first named
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            getattr(names.get(node.value.id), node.attr, None)


def _guard(end: Callable[[str], None]) -> None:
    roots = tuple(os.path.realpath(path) + os.sep for path in (*_LIBRARIES, os.__file__.removesuffix("os.py")))

    def readable(path: Any) -> bool:
        if not isinstance(path, str | bytes):
            return isinstance(path, int)  # a descriptor that is open already
        path = os.path.realpath(os.fsdecode(path))
        return (path + os.sep).startswith(roots) and _HIDDEN not in path

    def hook(event: str, details: tuple[Any, ...], strange: frozenset[str] = frozenset(_STRANGE_MODULES)) -> None:
        if event == "import":
            bad = details[0].partition(".")[0] in strange
        elif event in ("open", "os.listdir", "os.scandir"):
            writes = event == "open" and isinstance(details[1], str) and not set(details[1]) <= set("rbt")
            bad = writes or not readable(details[0])
        else:
            bad = event.startswith(_FORBIDDEN)
        if bad:
            end(f"{event} {str(details[0])[:80] if details else ''}".strip())

    sys.addaudithook(hook)


def _leave_network() -> None:
    """Into a network of its own, with nothing in it, where the system lets a user have one (Linux)."""
    import ctypes  # here, and not between fork and exec of a grader with threads, which might hang

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).unshare(_NEW_USER | _NEW_NETWORK)


def main() -> None:
    _leave_network()
    inward, outward = os.fdopen(os.dup(0), "rb"), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(null, descriptor)
    sys.path += _LIBRARIES
    import numpy
    import numpy.char
    import numpy.fft
    import numpy.ma
    import numpy.polynomial
    import numpy.random  # parts of it that would otherwise be loaded when they are first used
    import numpy.rec

    def send(message: dict[str, Any]) -> None:
        content = json.dumps(message).encode()
        content = struct.pack("<I", len(content)) + content
        while content:
            content = content[os.write(outward, content) :]

    def end(what: str) -> None:
        send({"forbidden": what})
        os._exit(3)

    def receive() -> Any:
        (length,) = struct.unpack("<I", inward.read(4))
        return pickle.loads(inward.read(length))  # from the grader

    numpy.asarray(pickle.loads(pickle.dumps(numpy.zeros(1))))
    code, expression = receive()
    importlib.metadata.entry_points = lambda **_: ()  # type: ignore[assignment]  # sklearn would read them later
    _load_libraries(code)
    for module, function in (("_posixsubprocess", "fork_exec"), ("subprocess", "_fork_exec")):
        if module in sys.modules:  # the one way to a new process that no audit event tells of
            setattr(sys.modules[module], function, lambda *_, **__: end("a new process"))
    for module in _STRANGE_MODULES & set(sys.modules):
        del sys.modules[module]  # so that an answer which asks for it is seen
    for what, most in (
        (resource.RLIMIT_AS, _MEMORY), (resource.RLIMIT_CPU, _CPU_SECONDS), (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0), (resource.RLIMIT_NPROC, 0), (resource.RLIMIT_NOFILE, 0),
    ):  # fmt: skip
        resource.setrlimit(what, (most, most))
    names = {"__name__": "answer"}
    _guard(end)

    def defined() -> bool:
        exec(compile(code, "<answer>", "exec"), names)
        return callable(eval(expression, names))

    send(_called(defined, ()))
    while True:
        send(_called(lambda *arguments: eval(expression, names)(*arguments), receive()))


if __name__ == "__main__":
    with contextlib.suppress(struct.error, EOFError):
        main()
