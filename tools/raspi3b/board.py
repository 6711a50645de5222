"""QEMU's Raspberry Pi 3B, booted once: its serial line, and what a program printed there between two marks.

With -icount shift=0 the board's clock counts instructions, one a nanosecond: however busy this machine is, the same
program takes the same time. It knows nothing of caches, memory, temperature or an SD card.
"""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import click
from tqdm.auto import tqdm

from .image import LIBRARIES, Boot, require_programs

BEGINS, ENDS = "---- pi-profile begins ----", "---- pi-profile ends, exit code "
SILENCE_S = 180  # the board prints nothing while it unpacks its files
_INIT = """#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
export PATH=/usr/bin:/bin HOME=/tmp LD_LIBRARY_PATH=/{libraries}/openblas-pthread
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 PYTHONHASHSEED=0
{before} >$HOME/before 2>&1
echo '{begins}'
{command} 2>$HOME/errors
code=$?
[ $code = 0 ] || /bin/busybox cat $HOME/errors
echo "{ends}$code"
exec /bin/busybox sleep 1000000
"""


def init(command: str, before: str = "") -> str:
    """The script that is the board's first process: `before`, in silence, then `command` between the marks."""
    return _INIT.format(libraries=LIBRARIES, before=before, begins=BEGINS, command=command, ends=ENDS)


def between_marks(serial: str) -> tuple[list[str], int | None]:
    """The lines that the command printed, and its exit code; None while it still runs.

    Raises ValueError when the mark of the beginning is not there.
    """
    before, mark, after = serial.partition(BEGINS)  # the line opens with noise, so the mark need not begin a line
    if not mark:
        raise ValueError(f"the board never printed {BEGINS!r}; its last lines: {before.splitlines()[-5:]}")
    lines = [line.strip() for line in after.splitlines()]
    for place, line in enumerate(lines):
        if line.startswith(ENDS):
            return [record for record in lines[:place] if record], int(line.removeprefix(ENDS))
    return [record for record in lines if record], None


def run(boot: Boot, serial: Path, *, timeout_s: float, card: Path | None = None) -> list[str]:
    """Boot, wait for the end mark, switch off; the lines between the marks. A bar counts them as they come.

    Raises click.ClickException when the board stays silent, takes too long, or its program fails.
    """
    require_programs("qemu-system-aarch64")
    # On one core the emulator's own thread, which rings the timers, is not late when this machine is busy.
    machine: list[str | Path] = ["taskset", "--cpu-list", "0", "qemu-system-aarch64", "-M", "raspi3b"]
    machine += ["-icount", "shift=0,sleep=off"]
    machine += ["-display", "none", "-no-reboot"]
    if card:
        machine += ["-drive", f"if=sd,format=raw,file={card}", "-snapshot"]
    machine += ["-kernel", boot.kernel, "-dtb", boot.device_tree, "-initrd", boot.packed]
    # Everything at the same addresses each time, for their hashes and page faults are part of the count.
    machine += ["-append", "console=ttyS1,115200 rdinit=/init psi=1 loglevel=1 nokaslr norandmaps"]
    machine += ["-serial", "null", "-serial", f"file:{serial}"]
    return printed_by(machine, serial, timeout_s=timeout_s)


def printed_by(machine: list[str | Path], serial: Path, *, timeout_s: float, what: str = "emulated board") -> list[str]:
    """Start QEMU, whose serial line is the file `serial`, as run() does; `what` names the bar."""
    serial.unlink(missing_ok=True)
    emulator = subprocess.Popen(machine, stderr=subprocess.PIPE, text=True)
    try:
        with tqdm(desc=what, unit=" records") as bar:
            for printed, code in _growing(serial, emulator, timeout_s):
                bar.update(len(printed) - bar.n)
                if code is not None:
                    break
    finally:
        emulator.kill()
        emulator.wait()
    if code:
        raise click.ClickException(f"the program on the board failed ({code}):\n" + "\n".join(printed[-15:]))
    return printed


def _growing(
    serial: Path, emulator: subprocess.Popen, timeout_s: float, every_s: float = 0.5
) -> Iterator[tuple[list[str], int | None]]:
    started = changed = time.monotonic()
    size = 0
    while True:
        time.sleep(every_s)
        text = serial.read_text(errors="replace") if serial.exists() else ""
        now = time.monotonic()
        if len(text) != size:
            size, changed = len(text), now
            if BEGINS in text:
                yield between_marks(text)
        if emulator.poll() is not None:
            raise click.ClickException(f"QEMU ended by itself: {emulator.stderr.read() if emulator.stderr else ''}")
        if now - changed > SILENCE_S or now - started > timeout_s:
            last = text.splitlines()[-5:] or "nothing"
            raise click.ClickException(
                f"the board was silent for {now - changed:.0f} s, {now - started:.0f} s after it was switched on; "
                f"last it printed {last}"
            )
