"""What a machine says of itself: temperature, clock, throttling, power, pressure, memory. Notebook 05, step 1.

Standard library only, and Python 3.9: this file is also part of the one-file edition that a Pi runs. What cannot be
read is left out, never zero. Files lie under `root`, so that tests can show it another machine.
"""

from __future__ import annotations

import math
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

MB = 2**20
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "XLA_FLAGS", "KERAS_BACKEND")
PACKAGES = ("numpy", "scipy", "numba", "jax", "jaxlib", "keras", "psutil")


def vcgencmd(*words: str) -> str | None:
    """What the Raspberry Pi's firmware answers, None where there is none."""
    command = shutil.which("vcgencmd")
    if command is None:
        return None
    try:
        return subprocess.run([command, *words], capture_output=True, text=True, timeout=2, check=False).stdout
    except (OSError, subprocess.SubprocessError):
        return None


class Readings:
    """Reads the machine whose files lie under `root`; `firmware` answers like vcgencmd."""

    def __init__(self, root: str | Path = "/", firmware: Callable[..., str | None] = vcgencmd) -> None:
        self.root, self._firmware = Path(root), firmware
        # looked for once: a search of the file system every second would be the largest cost of a sample
        self._zones = self._found("sys/class/thermal/thermal_zone*/temp")[:1]
        self._clocks = self._found("sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq")
        self._throttle = self._found("sys/devices/platform/soc*/soc*firmware/get_throttled")[:1]
        self._has_pmic = "Raspberry Pi 5" in (self.model() or "")

    def machine(self) -> dict[str, Any]:
        """The header's part: what does not change while a log is recorded. Without the machine's name."""
        found = {
            "machine": platform.machine(),
            "python": platform.python_version(),
            "bits": 64 if sys.maxsize > 2**32 else 32,
            "kernel": platform.release().partition("-")[0],  # what follows may be a name of one's own
            "ncpu": os.cpu_count(),
            "affinity": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
            "model": self.model(),
            "cpu": self._cpu(),
            "os": self._os(),
            "governor": self.text("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            "fmax_mhz": self._number("sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", 1e-3),
            "mem_total_mb": self._memory("MemTotal"),
            "mem_limit_mb": self.memory_limit(),
            "lib": _versions(),
            "env": {name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ},
        }
        return _known(found)

    def sample(self, sensors: bool = True) -> dict[str, Any]:
        """What changes: called once a second. sensors: also temperature, clock, throttling and power."""
        found: dict[str, Any] = {"mem_avail_mb": self._memory("MemAvailable"), "rss_mb": resident_mb()}
        for short, long in (("cpu", "cpu"), ("mem", "memory"), ("io", "io")):
            found[f"psi_{short}_s"] = self._pressure(long)
        if sensors:
            clocks = [clock for clock in (_number(_text(path), 1e-3) for path in self._clocks) if clock is not None]
            found["temp_c"] = _number(_text(self._zones[0]), 1e-3) if self._zones else None
            found["freq_mhz"] = clocks or None
            found["throttled"] = self._throttled()
            found["power_w"] = self._power()
        return _known(found)

    def model(self) -> str | None:
        """Such as "Raspberry Pi 4 Model B Rev 1.4"; None where no device tree says it."""
        return self.text("proc/device-tree/model") or self.text("sys/firmware/devicetree/base/model")

    def memory_limit(self) -> float | None:
        """Megabytes that a control group leaves to this process, where that is less than the machine has."""
        total = self._memory("MemTotal")
        limits = [limit for limit in (_number(self.text(path), 1 / MB) for path in self._limit_files()) if limit]
        return min(limits) if limits and (total is None or min(limits) < total) else None

    def _limit_files(self) -> list[str]:
        """A group is limited by its parents too. In a container its own path may be hidden: then the top is its own."""
        files = []
        for line in (self.text("proc/self/cgroup") or "0::/\n1:memory:/").splitlines():
            number, _, rest = line.partition(":")
            controllers, _, group = rest.partition(":")
            if number == "0" and not controllers:
                folder, name = "sys/fs/cgroup", "memory.max"
            elif "memory" in controllers.split(","):
                folder, name = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
            else:
                continue
            parts = [part for part in group.split("/") if part and part != ".."]
            files += ["/".join([folder, *parts[:depth], name]) for depth in range(len(parts) + 1)]
        return files

    def _cpu(self) -> str | None:
        lines = (self.text("proc/cpuinfo", 2**16) or "").splitlines()
        fields = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return fields.get("model name") or fields.get("Hardware") or fields.get("Model")

    def _os(self) -> str | None:
        lines = (self.text("etc/os-release") or "").splitlines()
        return next((line.partition("=")[2].strip('"') for line in lines if line.startswith("PRETTY_NAME=")), None)

    def _memory(self, name: str) -> float | None:
        lines = (self.text("proc/meminfo") or "").splitlines()
        words = next((line.split() for line in lines if line.startswith(f"{name}:")), [])
        return _number(words[1], 1 / 1024) if len(words) > 1 else None

    def _pressure(self, what: str) -> float | None:
        """Seconds so far in which some process waited for it (pressure stall information)."""
        first = (self.text(f"proc/pressure/{what}") or "").partition("\n")[0]
        return _number(first.partition("total=")[2], 1e-6)

    def _throttled(self) -> int | None:
        text = _text(self._throttle[0]) if self._throttle else (self._firmware("get_throttled") or "").partition("=")[2]
        try:
            return int(text or "", 16)
        except ValueError:
            return None

    def _power(self) -> float | None:
        """Watts through the Pi 5's power chip. What hangs on its 5 V rail (USB, HATs) is not in it: a lower bound."""
        if not self._has_pmic:
            return None
        amps: dict[str, float] = {}
        volts: dict[str, float] = {}
        for line in (self._firmware("pmic_read_adc") or "").splitlines():
            words, value = line.split(), _number(line.partition("=")[2].rstrip(" AV"))
            if words and value is not None:
                (amps if words[0].endswith("_A") else volts)[words[0][:-2]] = value
        rails = [amps[rail] * volts[rail] for rail in amps if rail in volts]
        return sum(rails) if rails else None

    def text(self, path: str, n_bytes: int = 4096) -> str | None:
        """The first bytes of a file under root, None where there is none or it says nothing."""
        return _text(self.root / path, n_bytes)

    def _number(self, path: str, scale: float) -> float | None:
        return _number(self.text(path), scale)

    def _found(self, pattern: str) -> list[Path]:
        try:
            return sorted(self.root.glob(pattern))
        except OSError:
            return []


def resident_mb() -> float | None:
    """Memory of this process that lies in RAM now."""
    pages = (_text(Path("/proc/self/statm")) or "").split()
    if len(pages) > 1:
        return int(pages[1]) * os.sysconf("SC_PAGE_SIZE") / MB
    try:
        import psutil  # where there is no /proc
    except ImportError:
        return None
    return psutil.Process().memory_info().rss / MB


def _text(path: Path, n_bytes: int = 4096) -> str | None:
    try:
        with path.open("rb") as file:
            return file.read(n_bytes).decode("utf-8", "replace").strip("\0 \n") or None
    except OSError:
        return None


def _number(text: str | None, scale: float = 1.0) -> float | None:
    try:
        value = float(text or "") * scale
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _known(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if value is not None and value != {}}


def _versions() -> dict[str, str]:
    from importlib import metadata  # here: it takes a tenth of a second to load on a Pi

    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except Exception:  # a broken installation must not stop a recording
            continue
    return found
