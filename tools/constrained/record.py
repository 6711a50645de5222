"""Record data/pi_logs/measured-host-constrained-*.jsonl: `python -m tools.constrained.record`. Notebook 06, step 4.

Each log is one boot of guest.py's small PC, in which the workbook's own recorder runs in a control group of 512 MB, as
in a container of that size.
"""

import re
import sys
from pathlib import Path

import click

from pmt_helpers.datasets.files import atomic_path
from pmt_helpers.device import Log, read_log
from tools.constrained import guest
from tools.raspi3b import image

ROOT = Path(__file__).resolve().parents[2]
ORIGIN = "measured-host-constrained"
NOTE = "container limited to {limit} MB inside a virtual machine emulated in software: memory is right, seconds are not"
RUNS = {  # no topics: NumPy's argsort ends in a segmentation fault in QEMU 7.2, while the documents are loaded
    "activity-numpy": "--task activity --kernel numpy --samples 20,40,80 --epochs 10",
    "activity-keras-fit": "--task activity --kernel keras_fit --samples 20,40,80 --epochs 20",
}
SCRATCH = "/tmp"  # in the guest, in memory
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "HOME": f"{SCRATCH}/home",
    "NUMBA_CACHE_DIR": f"{SCRATCH}/numba",
    "PMT_DATA_HOME": f"{SCRATCH}/data",
    "PYTHONDONTWRITEBYTECODE": "1",
}
KILLED = 137  # the exit code of a process that Linux killed, for want of memory or otherwise


class Limit(click.ParamType):
    """Megabytes, as 512 or 512M."""

    name = "megabytes"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        match = re.fullmatch(r"(\d+)[Mm]?", str(value))
        if not match or not 64 <= int(match[1]) < guest.MEMORY_MB:
            self.fail(f"{value!r} is no limit such as 512M, from 64M to less than {guest.MEMORY_MB}M", param, ctx)
        return int(match[1])


def command(name: str, limit_mb: int) -> list[str]:
    """What the guest runs, for one of RUNS."""
    note = NOTE.format(limit=limit_mb)
    return [sys.executable, "-m", "pmt_helpers", "profile", *RUNS[name].split(), "--note", note, "--out", "-"]


def record(machine: guest.Guest, name: str, limit_mb: int, out: Path, timeout_s: float) -> Log:
    """One log, validated before it takes its place.

    Raises DataError when the guest printed no log, click.ClickException for one without its end or without the limit.
    """
    line = guest.limited_command(command(name, limit_mb), ROOT, ENVIRONMENT)
    lines = guest.run(machine, line, f"{limit_mb}M", timeout_s=timeout_s)
    with atomic_path(out) as temporary:
        temporary.write_text("\n".join(lines) + "\n", "utf-8")
        check(read_log(temporary), limit_mb)
    return read_log(out)


def check(log: Log, limit_mb: int) -> None:
    """Raises click.ClickException for a log without an end, or that was recorded without the limit."""
    if not log.complete:
        raise click.ClickException(f"{log.path.name} has no end: was the recorder killed?")
    found = log.origin, log.header.get("mem_limit_mb")
    if found != (ORIGIN, limit_mb):
        raise click.ClickException(
            f"{log.path.name} should say {ORIGIN} and {limit_mb} MB; it says {found[0]} and {found[1]}: the guest's "
            "control group did not hold"
        )


def prove(machine: guest.Guest, limit_mb: int, timeout_s: float) -> None:
    """Use three quarters of the limit, then a fifth more than it: only the second may be killed.

    Raises click.ClickException otherwise.
    """
    program = "import sys; held = [bytearray(b'x') * 2**20 for _ in range(int(sys.argv[1]))]"
    sizes = limit_mb * 3 // 4, limit_mb * 6 // 5
    tried = "; ".join(f'{sys.executable} -S -c "{program}" {size}; echo $?' for size in sizes)
    line = guest.limited_command(["/bin/sh", "-c", f"{tried}; exit 0"], ROOT, ENVIRONMENT)
    codes = guest.run(machine, line, f"{limit_mb}M", timeout_s=timeout_s)
    said = ", ".join(f"{size} MB: exit code {code}" for size, code in zip(sizes, codes, strict=False))
    if codes != ["0", str(KILLED)]:
        raise click.ClickException(f"the limit of {limit_mb} MB does not hold: {said or codes}")
    click.echo(f"Limit of {limit_mb} MB: {said}")


@click.command()
@click.option("--only", type=click.Choice([*RUNS]), multiple=True, help="Default: all.")
@click.option("--limit", type=Limit(), default="512M", show_default=True, help="Memory of the container.")
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "data/pi_logs", show_default="data/pi_logs")
@click.option("--build", type=click.Path(path_type=Path), default=ROOT / "build", show_default="build")
@click.option("--timeout", default=1800.0, show_default=True, help="Seconds for one log.")
@click.option("--prove", "only_prove", is_flag=True, help="Record nothing: show that too large a process is killed.")
def main(only: tuple[str, ...], limit: int, out: Path, build: Path, timeout: float, only_prove: bool) -> None:
    """Record what training costs where memory is limited, in a virtual machine of our own."""
    image.require_programs("qemu-system-x86_64", "apt-get", "dpkg-deb")
    machine = guest.build(build / "constrained")
    if only_prove:
        prove(machine, limit, timeout)
        return
    for name in only or RUNS:
        log = record(machine, name, limit, out / f"{ORIGIN}-{name}.jsonl", timeout)
        peak = log.spans["peak_rss_mb"].max()
        click.echo(f"{log.path.name}: {len(log.spans)} spans, peak {peak:.0f} of {log.header['mem_limit_mb']:.0f} MB")


if __name__ == "__main__":
    main()
