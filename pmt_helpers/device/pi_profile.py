"""Record what training a personal model costs on this machine, as a log of schema pi-profile/1. Notebook 06.

Needs Python 3.9 and NumPy. A Raspberry Pi runs this file as it stands, so it imports nothing else of its package:

    python3 pi_profile.py --task activity --out log.jsonl

In this order: the machine's sensors, the Recorder that writes a log, the kernels in NumPy and plain Python, the
recordings of the two tasks, synthetic data of the true shapes, and the command line. Licence: MIT.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import random
import shutil
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

if sys.platform != "win32":
    import resource

# --- The log: its schema, and what may stand in it

SCHEMA = "pi-profile/1"
SETUP_PHASES = ("import", "load", "compile", "build")
WORK_PHASES = ("train", "inference")
PHASES = SETUP_PHASES + WORK_PHASES
EMULATED = ("emulated-raspi3b-icount",)  # their thermometers and clocks are props
ORIGINS = ("measured-pi", "measured-host", "measured-host-constrained", *EMULATED, "paper-digitised", "predicted")
KERNELS = {"activity": ("numpy", "numba", "jax", "keras_fit", "keras_batch"), "topics": ("numpy", "numba", "python")}

# --- Sensors

MB = 2**20
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "XLA_FLAGS", "KERAS_BACKEND")
PACKAGES = ("numpy", "scipy", "numba", "jax", "jaxlib", "keras", "psutil")


def vcgencmd(*words: str) -> str | None:
    """What the Raspberry Pi's firmware answers; None on other machines."""
    command = shutil.which("vcgencmd")
    if command is None:
        return None
    try:
        return subprocess.run([command, *words], capture_output=True, text=True, timeout=2, check=False).stdout
    except (OSError, subprocess.SubprocessError):
        return None


class Sensors:
    """Reads a machine from its files under `root`; `firmware` answers as vcgencmd does. The unknown is left out."""

    def __init__(self, root: str | Path = "/", firmware: Callable[..., str | None] = vcgencmd) -> None:
        self.root, self._firmware = Path(root), firmware
        # searched once: to search the file system every second would be the largest cost of a sample
        self._zones = self._search("sys/class/thermal/thermal_zone*/temp")[:1]
        self._clocks = self._search("sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq")
        self._throttle = self._search("sys/devices/platform/soc*/soc*firmware/get_throttled")[:1]
        self._has_pmic = any(name in (self.model() or "") for name in ("Raspberry Pi 5", "Compute Module 5"))

    def machine(self) -> dict[str, Any]:
        """What does not change during a log, for its header. The machine's name is not in it."""
        return _known(
            {
                "machine": platform.machine(),
                "python": platform.python_version(),
                "bits": 64 if sys.maxsize > 2**32 else 32,
                "kernel": platform.release().partition("-")[0],  # what follows may be a name of one's own
                "ncpu": os.cpu_count(),
                "affinity": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
                "model": self.model(),
                "cpu": self._cpu(),
                "os": self._os(),
                "governor": self._read("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
                "fmax_mhz": _number(self._read("sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq"), 1e-3),
                "mem_total_mb": self._memory("MemTotal"),
                "mem_limit_mb": self.memory_limit(),
                "lib": _versions(),
                "env": {name: _without_paths(os.environ[name]) for name in THREAD_VARIABLES if name in os.environ},
            }
        )

    def sample(self, sensors: bool = True) -> dict[str, Any]:
        """What changes, read once a second. sensors: also temperature, clocks, throttling and power."""
        fields: dict[str, Any] = {"mem_avail_mb": self._memory("MemAvailable"), "rss_mb": resident_mb()}
        for short, resource_name in (("cpu", "cpu"), ("mem", "memory"), ("io", "io")):
            fields[f"psi_{short}_s"] = self._pressure(resource_name)
        if sensors:
            clocks = [_number(_text(path), 1e-3) for path in self._clocks]
            fields["temp_c"] = _number(_text(self._zones[0]), 1e-3) if self._zones else None
            fields["freq_mhz"] = [clock for clock in clocks if clock is not None] or None
            fields["throttled"] = self._throttled()
            fields["power_w"] = self._power()
        return _known(fields)

    def model(self) -> str | None:
        """Such as "Raspberry Pi 4 Model B Rev 1.4"; None without a device tree."""
        return self._read("proc/device-tree/model") or self._read("sys/firmware/devicetree/base/model")

    def memory_limit(self) -> float | None:
        """Megabytes that a control group leaves to this process, where that is less than the machine has."""
        total = self._memory("MemTotal")
        limits = [limit for limit in (_number(self._read(path), 1 / MB) for path in self._limit_files()) if limit]
        return min(limits) if limits and (total is None or min(limits) < total) else None

    def _limit_files(self) -> list[str]:
        """The files with the limits of the process's group and of its parents, which hold too.

        In a container the group's own path may be hidden: the top of the tree is then the container's.
        """
        files = []
        for line in (self._read("proc/self/cgroup") or "0::/\n1:memory:/").splitlines():
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
        lines = (self._read("proc/cpuinfo", 2**16) or "").splitlines()
        fields = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return fields.get("model name") or fields.get("Hardware") or fields.get("Model")

    def _os(self) -> str | None:
        lines = (self._read("etc/os-release") or "").splitlines()
        return next((line.partition("=")[2].strip('"') for line in lines if line.startswith("PRETTY_NAME=")), None)

    def _memory(self, name: str) -> float | None:
        lines = (self._read("proc/meminfo") or "").splitlines()
        words = next((line.split() for line in lines if line.startswith(f"{name}:")), [])
        return _number(words[1], 1 / 1024) if len(words) > 1 else None

    def _pressure(self, resource_name: str) -> float | None:
        """Seconds so far in which some process waited for it (Linux's pressure stall information)."""
        first_line = (self._read(f"proc/pressure/{resource_name}") or "").partition("\n")[0]
        return _number(first_line.partition("total=")[2], 1e-6)

    def _throttled(self) -> int | None:
        text = _text(self._throttle[0]) if self._throttle else (self._firmware("get_throttled") or "").partition("=")[2]
        try:
            return int(text or "", 16)
        except ValueError:
            return None

    def _power(self) -> float | None:
        """Watts through the Pi 5's power chip: a lower bound, since what hangs on its 5 V rail (USB) is not in it."""
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

    def _read(self, path: str, n_bytes: int = 4096) -> str | None:
        return _text(self.root / path, n_bytes)

    def _search(self, pattern: str) -> list[Path]:
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
        import psutil  # for systems without /proc
    except ImportError:
        return None
    return psutil.Process().memory_info().rss / MB


def origin_here(sensors: Sensors) -> str:
    """The origin of logs recorded on this machine, as far as it can tell; an emulated board cannot."""
    if "Raspberry Pi" in (sensors.model() or ""):
        return "measured-pi"
    return "measured-host-constrained" if sensors.memory_limit() else "measured-host"


def _text(path: Path, n_bytes: int = 4096) -> str | None:
    """The first bytes of a file; None when it is missing or empty."""
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


def _known(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None and value != {}}


def _without_paths(options: str) -> str:
    """The options, such as XLA_FLAGS, that name no file: a path often holds its user's name."""
    return " ".join(option for option in options.split() if not {"/", "\\"} & set(option))


def _versions() -> dict[str, str]:
    from importlib import metadata  # here: it takes a tenth of a second to load on a Pi

    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except Exception:  # a broken installation must not stop a recording
            continue
    return versions


# --- Recorder


class Recorder:
    """Writes a log: a header, a record for each span and each second, and an end.

    Each record is written at once and each span synced to the disk, so that a power cut costs one record.

    Raises ValueError for an unknown origin, and FileExistsError on entering, when the file exists.

    Parameters
    ----------
    path : a new file, or "-" for standard output
    origin : one of ORIGINS
    run_id, utc : default: random, and now
    note : what a reader of the log should know
    every_s : seconds between samples, 0 for no samples
    """

    def __init__(
        self,
        path: str | Path,
        origin: str,
        *,
        run_id: str | None = None,
        utc: str | None = None,
        note: str | None = None,
        task: str | None = None,
        every_s: float = 1.0,
        readings: Sensors | None = None,
    ) -> None:
        if origin not in ORIGINS:
            raise ValueError(f"unknown origin {origin!r}; choose one of {', '.join(ORIGINS)}")
        self.path, self.origin, self.every_s = path, origin, every_s
        self._sensors = readings or Sensors()
        self._header = {
            "run_id": run_id or uuid.uuid4().hex[:12],
            "origin": origin,
            "utc": utc or time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "note": note,
            "task": task,
        }
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._sampler: threading.Thread | None = None

    def __enter__(self) -> Recorder:
        self._file = sys.stdout if str(self.path) == "-" else open(self.path, "x", buffering=1)  # noqa: PTH123
        self._started = time.perf_counter()
        self._write("header", {"schema": SCHEMA, **self._header, **self._sensors.machine()})
        if self.every_s:
            self._sampler = threading.Thread(target=self._sample_until_stopped, daemon=True)
            self._sampler.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._sampler:
            self._sampler.join()
        try:
            self._write("end", {"t_s": self._now(), "peak_rss_mb": _usage().get("peak_rss_mb")})
            self._sync()
        finally:
            if self._file is not sys.stdout:
                self._file.close()

    @contextmanager
    def span(self, phase: str, **counts: Any) -> Iterator[dict[str, Any]]:
        """Record what the block costs; yields a dictionary for fields that are known only at its end.

        phase: one of PHASES. counts: fields such as updates, n_samples, epoch; None is left out. A block that fails is
        recorded too, with the class of its error. Raises ValueError for an unknown phase.
        """
        if phase not in PHASES:
            raise ValueError(f"unknown phase {phase!r}; choose one of {', '.join(PHASES)}")
        late_fields: dict[str, Any] = {}
        error = None
        before, cpu, start = _usage(), time.process_time(), time.perf_counter()
        try:
            yield late_fields
        except BaseException as raised:
            error = type(raised).__name__
            raise
        finally:
            wall_s, cpu_s, after = time.perf_counter() - start, time.process_time() - cpu, _usage()
            since = {name: after[name] - before[name] for name in after if name != "peak_rss_mb"}
            record = {"phase": phase, "t_s": start - self._started, "wall_s": wall_s, "cpu_s": cpu_s, **since}
            memory = {"rss_mb": resident_mb(), "peak_rss_mb": after.get("peak_rss_mb"), "error": error}
            self._write("span", {**record, **memory, **counts, **late_fields})
            self._sync()

    def sample(self) -> None:
        """Write one sample now; a thread of the recorder does so every second."""
        fields = self._sensors.sample(sensors=self.origin not in EMULATED)
        self._write("sample", {"t_s": self._now(), **fields})

    def _sample_until_stopped(self) -> None:
        while not self._stop.wait(self.every_s):
            try:
                self.sample()
            except OSError:  # no room: the next span says so
                return

    def _now(self) -> float:
        return time.perf_counter() - self._started

    def _write(self, event: str, fields: dict[str, Any]) -> None:
        plain = {name: _plain(value) for name, value in fields.items() if _is_known(value)}
        line = json.dumps({"ev": event, **plain})
        with self._lock:
            self._file.write(line + "\n")

    def _sync(self) -> None:
        self._file.flush()
        try:
            os.fsync(self._file.fileno())
        except (OSError, ValueError):  # pipes and serial lines have no disk
            return


def _usage() -> dict[str, float]:
    """Running totals of this process. Empty on Windows."""
    if sys.platform == "win32":
        return {}
    used = resource.getrusage(resource.RUSAGE_SELF)
    unit = 2**20 if sys.platform == "darwin" else 2**10
    switches = {"ctx_vol": used.ru_nvcsw, "ctx_invol": used.ru_nivcsw}
    return {"peak_rss_mb": used.ru_maxrss / unit, **switches, "minflt": used.ru_minflt, "majflt": used.ru_majflt}


def _is_known(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and not math.isfinite(value))


def _plain(value: Any) -> Any:
    """NumPy's numbers as Python's; seconds to the microsecond."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return round(value, 6) if isinstance(value, float) else value


# --- Kernels: the same training in NumPy and in plain Python

LEARNING_RATE = 0.001
ALPHA_TOTAL, BETA = 50.0, 0.1  # the paper's: alpha = 50 / topics


class Trainer(NamedTuple):
    """A training that is ready to run.

    run(n): n epochs or iterations. infer(window): one prediction, if the kernel predicts. compiles: whether the first
    call compiles. per_span: epochs of one span, where one alone is too short to time.
    """

    run: Callable[[int], None]
    infer: Callable[[Any], int] | None = None
    compiles: bool = False
    per_span: int = 1


class Network(NamedTuple):
    """Initial weights, float32, in the layout of activity/weights.py: one row of hidden is the bias."""

    hidden: Any  # (n_inputs, 128)
    output: Any  # (n_classes, 128)
    bias: Any  # (n_classes,)
    n_features: int


class Tokens(NamedTuple):
    """A corpus as tokens: the word and the document of each, in the order of the documents."""

    words: list[int]
    documents: list[int]
    n_words: int
    n_documents: int


def numpy_mlp(start: Network, X: Any, y: Any) -> Trainer:
    """Gradient descent with one window per step. X: (n, n_inputs) float32, 1 for the bias; y: (n,) class numbers."""
    import numpy as np

    W, V, bias = start.hidden.copy(), start.output.copy(), start.bias.copy()
    rate, labels = np.float32(LEARNING_RATE), [int(label) for label in y]

    def step(x: Any, label: int) -> None:
        h = np.maximum(x @ W, 0)
        p = V @ h + bias
        p = np.exp(p - p.max())
        p /= p.sum()
        p[label] -= 1
        error = rate * p
        change = np.where(h > 0, error @ V, 0)
        np.subtract(V, np.outer(error, h), out=V)
        np.subtract(bias, error, out=bias)
        np.subtract(W, np.outer(x, change), out=W)

    def run(epochs: int) -> None:
        for _ in range(epochs):
            for x, label in zip(X, labels):
                step(x, label)

    return Trainer(run, lambda x: int((V @ np.maximum(x @ W, 0) + bias).argmax()))


def numpy_gibbs(tokens: Tokens, n_topics: int, seed: int = 0) -> Trainer:
    """Collapsed Gibbs sampling, with one array of weights per token."""
    import numpy as np

    rng = np.random.default_rng(seed)
    alpha, beta = ALPHA_TOTAL / n_topics, BETA
    z = rng.integers(0, n_topics, len(tokens.words))
    by_word, by_document = np.zeros((tokens.n_words, n_topics)), np.zeros((tokens.n_documents, n_topics))
    np.add.at(by_word, (np.array(tokens.words, int), z), 1)
    np.add.at(by_document, (np.array(tokens.documents, int), z), 1)
    totals = by_word.sum(axis=0) + tokens.n_words * beta

    def sweep() -> None:
        draws = rng.random(len(z))
        for i, (w, d) in enumerate(zip(tokens.words, tokens.documents)):
            word, document, old = by_word[w], by_document[d], z[i]
            word[old] -= 1
            document[old] -= 1
            totals[old] -= 1
            upto = np.cumsum((document + alpha) * (word + beta) / totals)
            z[i] = new = min(int(np.searchsorted(upto, draws[i] * upto[-1], side="right")), n_topics - 1)
            word[new] += 1
            document[new] += 1
            totals[new] += 1

    return Trainer(lambda iterations: _repeat(sweep, iterations))


def python_gibbs(tokens: Tokens, n_topics: int, seed: int = 0) -> Trainer:
    """Collapsed Gibbs sampling without NumPy: lists and loops."""
    rng = random.Random(seed)
    alpha, beta = ALPHA_TOTAL / n_topics, BETA
    z = [rng.randrange(n_topics) for _ in tokens.words]
    by_word = [[0] * n_topics for _ in range(tokens.n_words)]
    by_document = [[0] * n_topics for _ in range(tokens.n_documents)]
    totals = [tokens.n_words * beta] * n_topics
    for w, d, k in zip(tokens.words, tokens.documents, z):
        by_word[w][k] += 1
        by_document[d][k] += 1
        totals[k] += 1

    def sweep() -> None:
        for i, (w, d) in enumerate(zip(tokens.words, tokens.documents)):
            word, document, old = by_word[w], by_document[d], z[i]
            word[old] -= 1
            document[old] -= 1
            totals[old] -= 1
            upto, total = [], 0.0
            for k in range(n_topics):
                total += (document[k] + alpha) * (word[k] + beta) / totals[k]
                upto.append(total)
            at = rng.random() * total
            z[i] = new = next((k for k in range(n_topics) if at < upto[k]), n_topics - 1)
            word[new] += 1
            document[new] += 1
            totals[new] += 1

    return Trainer(lambda iterations: _repeat(sweep, iterations))


def _repeat(sweep: Callable[[], None], times: int) -> None:
    for _ in range(times):
        sweep()


# --- The recordings of the two tasks

Progress = Callable[[str], None]


def record_activity(
    recorder: Recorder,
    kernel: str,
    make: Callable[[int], Trainer],
    windows: Any,
    samples: Sequence[int],
    epochs: int,
    *,
    calls: int,
    progress: Progress,
) -> None:
    """Train once for each number of samples, then predict window by window.

    make(n): a trainer on n windows. windows: what the trainer's `infer` takes in turn, `calls` times.
    """
    about: dict[str, Any] = {"task": "activity", "kernel": kernel}
    for n in samples:
        trainer = _build(recorder, make, n, n, {**about, "n_samples": n})
        for epoch, n_epochs in passes(epochs, trainer.per_span):
            with recorder.span("train", **about, n_samples=n, epoch=epoch, updates=n * n_epochs):
                trainer.run(n_epochs)
        progress(f"{kernel}, {n} samples")
    if trainer.infer is None:
        return
    trainer.infer(windows[0])  # the first call may compile
    with recorder.span("inference", **about, updates=calls) as fields:
        fields.update(latencies(trainer.infer, windows, calls))
    progress(f"{kernel}, {calls} predictions")


def record_topics(
    recorder: Recorder,
    kernel: str,
    make: Callable[[Tokens], Trainer],
    corpora: Sequence[Tokens],
    iterations: int,
    n_topics: int,
    *,
    progress: Progress,
) -> None:
    """Sample each corpus for `iterations` iterations. make(tokens): a trainer on a corpus."""
    for tokens in corpora:
        n = len(tokens.words)
        about: dict[str, Any] = {"task": "topics", "kernel": kernel, "n_tokens": n, "n_topics": n_topics}
        about.update(n_documents=tokens.n_documents, n_words=tokens.n_words)
        trainer = _build(recorder, make, tokens, n, about)
        for iteration, n_iterations in passes(iterations, trainer.per_span):
            with recorder.span("train", **about, iteration=iteration, updates=n * n_iterations):
                trainer.run(n_iterations)
        progress(f"{kernel}, {tokens.n_documents} documents, {tokens.n_words} words")


def _build(
    recorder: Recorder, make: Callable[[Any], Trainer], data: Any, updates: int, about: dict[str, Any]
) -> Trainer:
    """A trainer, compiled by a first pass, which is logged as setting up though it trains as well."""
    with recorder.span("build", **about):
        trainer = make(data)
    if trainer.compiles:
        with recorder.span("compile", **about, updates=updates):
            trainer.run(1)
    return trainer


def passes(total: int, per_span: int) -> list[tuple[int, int]]:
    """For each span, the epoch or iteration that it ends with, and how many it covers; the last may be shorter."""
    ends = [*range(per_span, total, per_span), total]
    return [(end, end - begin) for begin, end in zip([0, *ends], ends)]


def latencies(infer: Callable[[Any], Any], windows: Any, calls: int) -> dict[str, float]:
    """Median and 99th percentile of single calls, in milliseconds."""
    seconds = []
    for call in range(calls):
        window = windows[call % len(windows)]
        started = time.perf_counter()
        infer(window)
        seconds.append(time.perf_counter() - started)
    seconds.sort()
    return {"latency_ms_median": 1e3 * seconds[calls // 2], "latency_ms_p99": 1e3 * seconds[calls * 99 // 100]}


# --- Synthetic data of the true shapes

N_FEATURES, N_HIDDEN, N_CLASSES = 43, 128, 6
GOLDEN = 0.6180339887  # its multiples modulo 1 leave no gaps


def synthetic_windows(n: int, seed: int = 0) -> tuple[Network, Any, Any]:
    """A network to start from; windows (n, 44), the last column 1 for the bias; labels (n,)."""
    import numpy as np

    rng = np.random.default_rng(seed)
    X = np.ones((n, N_FEATURES + 1), np.float32)
    X[:, :N_FEATURES] = rng.normal(size=(n, N_FEATURES))
    hidden = rng.normal(0, (2 / N_FEATURES) ** 0.5, (N_FEATURES + 1, N_HIDDEN)).astype(np.float32)
    hidden[-1] = 0
    output = rng.normal(0, (2 / N_HIDDEN) ** 0.5, (N_CLASSES, N_HIDDEN)).astype(np.float32)
    return Network(hidden, output, np.zeros(N_CLASSES, np.float32), N_FEATURES), X, rng.integers(0, N_CLASSES, n)


def synthetic_tokens(n_documents: int, n_words: int, length: int, percent: int = 100, seed: int = 0) -> Tokens:
    """Documents of `length` tokens; the word of rank r is as frequent as 1 / (r + 10), as without stop words.

    percent: share of the vocabulary, of frequent and rare words alike, so that the tokens shrink with the words.
    """
    rng = random.Random(seed)
    drawn = rng.choices(range(n_words), [1 / (rank + 10) for rank in range(n_words)], k=n_documents * length)
    spread = sorted(range(n_words), key=lambda rank: rank * GOLDEN % 1)
    column = {word: place for place, word in enumerate(spread[: n_words * percent // 100])}
    pairs = [(column[word], at // length) for at, word in enumerate(drawn) if word in column]
    return Tokens([word for word, _ in pairs], [document for _, document in pairs], len(column), n_documents)


# --- Command line

NOTE = "one-file edition; synthetic data of the true shapes"


def parse_options(arguments: list[str] | None = None) -> argparse.Namespace:
    """The options, by default those of the command line."""
    parser = argparse.ArgumentParser(description="Record what training costs on this machine (schema pi-profile/1).")
    parser.add_argument("--out", required=True, help='the log, a new file; "-" for standard output')
    parser.add_argument("--task", choices=("activity", "topics"), default="activity")
    parser.add_argument("--kernel", choices=("numpy", "python"), default="numpy", help="python: topics only")
    parser.add_argument("--origin", choices=ORIGINS, help="default: what this machine says of itself")
    parser.add_argument("--samples", type=_numbers, default=[20, 40, 80, 160], help="windows to train on")
    parser.add_argument("--epochs", type=_count, default=20)
    parser.add_argument("--calls", type=_count, default=200, help="single predictions to time")
    parser.add_argument("--documents", type=_numbers, default=[20, 40, 60, 80], help="documents to sample")
    parser.add_argument("--percents", type=_numbers, default=[25, 50, 75], help="of the vocabulary, at most documents")
    parser.add_argument("--words", type=_count, default=1000, help="words of the whole vocabulary")
    parser.add_argument("--length", type=_count, default=60, help="tokens of a document")
    parser.add_argument("--topics", type=_count, default=20)
    parser.add_argument("--iterations", type=_count, default=5)
    parser.add_argument("--every", type=_seconds, default=1.0, help="seconds between samples, 0 for none")
    parser.add_argument("--note", default=NOTE)
    parser.add_argument("--run-id")
    parser.add_argument("--utc", help="where the clock is wrong")
    options = parser.parse_args(arguments)
    if options.task == "activity" and options.kernel == "python":
        parser.error("the python kernel is for --task topics")
    return options


def main(arguments: list[str] | None = None) -> None:
    """Record one log; what cannot be written is said in a line."""
    options = parse_options(arguments)
    try:
        _record(options)
    except OSError as error:
        sys.exit(f"Cannot write {options.out}: {error.strerror}. A log is a new file, on a disk with room.")
    except KeyboardInterrupt:
        sys.exit(130)


def _record(options: argparse.Namespace) -> None:
    sensors = Sensors()
    origin = options.origin or origin_here(sensors)
    header = {"run_id": options.run_id, "utc": options.utc, "note": options.note, "task": options.task}
    with Recorder(options.out, origin, **header, every_s=options.every, readings=sensors) as recorder:
        if options.kernel == "numpy":
            with recorder.span("import", task=options.task, kernel="numpy"):
                import numpy  # noqa: F401
        (_record_windows if options.task == "activity" else _record_tokens)(recorder, options)


def _record_windows(recorder: Recorder, options: argparse.Namespace) -> None:
    with recorder.span("load", task="activity", kernel="numpy"):
        start, X, y = synthetic_windows(max(options.samples))
    sizes = options.samples, options.epochs
    record_activity(
        recorder, "numpy", lambda n: numpy_mlp(start, X[:n], y[:n]), X, *sizes, calls=options.calls, progress=_say
    )


def _record_tokens(recorder: Recorder, options: argparse.Namespace) -> None:
    n_most = max(options.documents)
    cases = [(n, 100) for n in options.documents] + [(n_most, percent) for percent in options.percents]
    with recorder.span("load", task="topics", kernel=options.kernel):
        corpora = [synthetic_tokens(n, options.words, options.length, percent) for n, percent in cases]
    gibbs, n_topics = numpy_gibbs if options.kernel == "numpy" else python_gibbs, options.topics
    sizes = options.iterations, n_topics
    record_topics(recorder, options.kernel, lambda tokens: gibbs(tokens, n_topics), corpora, *sizes, progress=_say)


def _numbers(text: str) -> list[int]:
    return [_count(word) for word in text.split(",")]


def _count(text: str) -> int:
    if not text.strip().isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)


def _seconds(text: str) -> float:
    seconds = _number(text)
    if seconds is None or not 0 <= seconds <= threading.TIMEOUT_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 0 on")
    return seconds


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
