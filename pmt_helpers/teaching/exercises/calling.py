"""Call an answer so that whatever it does, the judge survives: loops, prints, input(), exit(), errors."""

import builtins
import contextlib
import ctypes
import io
import linecache
import signal
import sys
import threading
import traceback
import types
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pmt_helpers.teaching.exercises.base import Answer

SECONDS = 10.0  # that one call of an answer may take
_AGAIN = 0.1
MOST_PRINTED = 900  # characters that are kept of what an answer prints


class TimeUp(BaseException):
    """A call has taken SECONDS. No Exception, so that an answer's own `except Exception` lets it through."""


@dataclass(frozen=True)
class Raised:
    """The call stopped with an exception, in this line of the learner's (0 when there is none)."""

    kind: str
    text: str
    line: int = 0
    code: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}" if self.text else self.kind


class Printed(io.StringIO):
    """Keeps the first characters that are printed, however many there are."""

    def write(self, text: str) -> int:
        super().write(text[: max(0, MOST_PRINTED - self.tell())])
        return len(text)


def shortened(printed: dict[str, str]) -> str:
    """What was printed in each case, so that all of it takes about MOST_PRINTED characters."""
    printed = {case: text for case, text in printed.items() if text}
    most = MOST_PRINTED // max(1, len(printed))
    return "\n".join(
        f"{case}: {text[: most - 4] + ' ...' if len(text) >= most else text}" for case, text in printed.items()
    )


def call(function: Answer, arguments: tuple[Any, ...], printed: Printed) -> Any:
    """function(*arguments). Returns a Raised instead of raising.

    Only the learner's own interruption (KeyboardInterrupt) passes through.
    """
    try:
        return run(function, arguments, printed)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit and worse: a check must survive whatever a function does
        return as_raised(function, error)


@contextlib.contextmanager
def quiet(printed: Printed) -> Iterator[None]:
    """No warnings; what is printed is kept."""
    with (
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
    ):
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _exit_raises() -> Iterator[None]:
    """IPython's exit() and quit() only ask the kernel to end: in here they raise SystemExit, as sys.exit() does."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None:
        yield
        return

    def leave() -> None:
        raise SystemExit

    shell.ask_exit = leave  # of this instance only
    try:
        yield
    finally:
        vars(shell).pop("ask_exit", None)


@contextlib.contextmanager
def _no_input() -> Iterator[None]:
    """input() raises in here: in JupyterLab its box would outlive the time limit, and block every cell until filled."""

    def refuse(*_: Any) -> str:
        raise RuntimeError("input() cannot be answered in a check: use the arguments instead")

    ask, builtins.input = builtins.input, refuse
    try:
        yield
    finally:
        builtins.input = ask


def run(function: Answer, arguments: tuple[Any, ...], printed: Printed) -> Any:
    """function(*arguments), without warnings or prints. Raises TimeUp in it after SECONDS."""
    on_main_thread = threading.current_thread() is threading.main_thread()
    limited = _with_signal if on_main_thread and hasattr(signal, "setitimer") else _with_watcher
    with quiet(printed), _exit_raises(), _no_input():
        return limited(function, arguments)


# Both raise TimeUp again and again, as a bare `except:` may catch it, and only while the function itself runs: when the
# frame on top is ours, it has not begun, or has ended.


def _with_signal(function: Answer, arguments: tuple[Any, ...]) -> Any:
    """By a timer of the system, which ends a sleep as well. For the main thread; Windows has none.

    What has caught it meets it again in its next line, that of the `except:` itself, and then a line later each time.
    """
    times = lines = 0  # how often the timer has rung, and how many lines may still pass

    def ring(_: int, frame: types.FrameType | None) -> None:
        nonlocal times, lines
        if frame is None or frame.f_code is _with_signal.__code__:
            return
        times, lines = times + 1, times // 2
        sys.settrace(lambda *_: None)
        while frame is not None and frame.f_code is not _with_signal.__code__:
            frame.f_trace = at_line
            frame = frame.f_back
        if times % 2:
            raise TimeUp

    def at_line(_: types.FrameType, event: str, __: Any) -> Any:
        nonlocal lines
        if event == "line":
            lines -= 1
            if lines < 0:
                raise TimeUp
        return at_line

    trace, handler = sys.gettrace(), signal.signal(signal.SIGALRM, ring)
    timer = signal.setitimer(signal.ITIMER_REAL, SECONDS, _AGAIN)
    try:
        return function(*arguments)
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, handler or signal.SIG_DFL)
        if sys.gettrace() is not trace:
            sys.settrace(trace)


def _with_watcher(function: Answer, arguments: tuple[Any, ...]) -> Any:
    """By another thread, which has Python raise it in this one between two instructions."""
    thread, ended, raise_in = threading.get_ident(), threading.Event(), ctypes.pythonapi.PyThreadState_SetAsyncExc

    def watch() -> None:
        seconds = SECONDS
        while not ended.wait(seconds):
            seconds = _AGAIN
            if sys._current_frames()[thread].f_code is not _with_watcher.__code__:
                raise_in(ctypes.c_ulong(thread), ctypes.py_object(TimeUp))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        return function(*arguments)
    finally:
        ended.set()
        watcher.join()


def _first_line(error: BaseException) -> str:
    try:
        lines = str(error).splitlines()
    except Exception:  # an exception that cannot even be printed
        return ""
    return lines[0][:200] if lines else ""


def as_raised(answer: Any, error: BaseException) -> Raised:
    return Raised(type(error).__name__, _first_line(error), *learners_line(answer, error))


def learners_line(answer: Any, error: BaseException) -> tuple[int, str]:
    """Number and text of the last line of the learner's own cell that the exception passed; 0 when there is none."""
    code = getattr(answer, "__code__", None)
    if not isinstance(code, types.CodeType):
        return 0, ""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == code.co_filename]
    if not frames or frames[-1].lineno is None:
        return 0, ""
    return frames[-1].lineno, linecache.getline(frames[-1].filename, frames[-1].lineno).strip()[:80]
