"""The most memory a kernel ever held, which is what a 1 GB machine on Binder cares about."""

import threading
from pathlib import Path
from types import TracebackType

import psutil

_EVERY_SECONDS = 0.2


class PeakMemory:
    """Watches a process from a thread while a `with` block runs; `.megabytes` is its peak (0 when it never started).

    On Linux the kernel keeps the high-water mark itself (VmHWM), on Windows so does the process table; elsewhere it is
    the highest of the sizes seen every 0.2 s. Give the process id, when known, with `.watch(pid)`.
    """

    def __init__(self) -> None:
        self.megabytes = 0.0
        self._pid: int | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._poll, daemon=True)

    def watch(self, pid: int | None) -> None:
        """From now on look at this process."""
        self._pid = pid

    def __enter__(self) -> "PeakMemory":
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def _poll(self) -> None:
        while not self._stop.wait(_EVERY_SECONDS):
            if self._pid is not None:
                self.megabytes = max(self.megabytes, peak_megabytes(self._pid))


def peak_megabytes(pid: int) -> float:
    """Peak resident size of a process in MB (1e6 bytes) as far as the system tells; 0 for one that has ended."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass
    try:
        memory = psutil.Process(pid).memory_info()
    except psutil.Error:
        return 0.0
    return getattr(memory, "peak_wset", memory.rss) / 1e6
