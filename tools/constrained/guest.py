"""A small PC in QEMU that sees this machine's files, read-only, and has a control group that limits memory.

For machines where nobody may make a control group, and that have no Docker. The guest's Linux, Debian's, makes the
group; Python and its libraries are those installed here. What the guest writes stays in its memory and is lost.
"""

import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import click

from tools.raspi3b import board, image

PACKAGES = ("busybox-static", "linux-image-amd64")
MODULES = ("virtio_pci", "9p", "9pnet_virtio", "overlay")  # what the guest needs to see this machine's files
MEMORY_MB = 2048  # of the whole guest, so that the limit is the group's and not the machine's
GROUP = "/sys/fs/cgroup/limited"
_INIT = """#!/bin/busybox sh
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs devtmpfs /dev
for module in /modules/*; do insmod $module; done
mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose host /host
mount -t tmpfs tmpfs /own
mkdir /own/upper /own/work
mount -t overlay -o lowerdir=/host,upperdir=/own/upper,workdir=/own/work overlay /all
for each in proc sys dev; do mount --bind /$each /all/$each; done
mkdir /dev/shm; mount -t tmpfs tmpfs /all/dev/shm
for each in "" /all; do mount -t cgroup2 cgroup2 $each/sys/fs/cgroup; done
echo +memory >/sys/fs/cgroup/cgroup.subtree_control
mkdir {group}
echo {limit} >{group}/memory.max
echo 0 >{group}/memory.swap.max 2>/dev/null
echo '{begins}'
chroot /all /bin/sh -c {command} 2>/errors
code=$?
[ $code = 0 ] || cat /errors
echo "{ends}$code"
exec sleep 1000000
"""


class Guest(NamedTuple):
    """The kernel that QEMU starts, the folder that is to be its first file system, and that folder packed."""

    kernel: Path
    system: Path
    packed: Path


def build(folder: Path) -> Guest:
    """Download and unpack what the guest boots; nothing is packed yet. Raises click.ClickException."""
    unpacked, system = folder / "kernel", folder / "system"
    for part in (unpacked, system):
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
    for deb in image.download(PACKAGES, folder / "apt", "amd64"):
        if deb.name.startswith(("linux-image-", "busybox-")):
            subprocess.run(["dpkg-deb", "-x", deb, system if deb.name.startswith("busybox-") else unpacked], check=True)
    for name in ("proc", "sys", "dev", "host", "own", "all", "modules"):
        (system / name).mkdir()
    for place, module in enumerate(load_order(unpacked, MODULES)):
        shutil.copy(module, system / "modules" / f"{place:02}-{module.name}")
    return Guest(sorted(unpacked.glob("boot/vmlinuz-*"))[-1], system, folder / "files.cpio")


def load_order(unpacked: Path, names: Sequence[str]) -> list[Path]:
    """The files of these kernel modules, each after those it depends on.

    Raises click.ClickException for a module that the kernel does not have.
    """
    modules: dict[str, Path] = {}

    def add(name: str) -> None:
        if name in modules:
            return
        path = next(unpacked.rglob(f"{name}.ko"), None)
        if path is None:
            raise click.ClickException(f"no module {name} among the files of {PACKAGES[-1]}: has Debian moved it?")
        depends = re.search(rb"\0depends=([^\0]*)\0", path.read_bytes())
        for dependency in depends[1].decode().split(",") if depends and depends[1] else ():
            add(dependency)
        modules[name] = path

    for name in names:
        add(name)
    return list(modules.values())


def limited_command(words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> str:
    """The shell line that runs a command in the group, from a folder of this machine."""
    settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in environment.items())
    return (
        f"echo $$ >{GROUP}/cgroup.procs && cd {shlex.quote(str(folder))} && exec env -i {settings} {shlex.join(words)}"
    )


def init(command: str, limit: str) -> str:
    """The script that is the guest's first process: `command`, for this machine's shell, between the marks."""
    return _INIT.format(
        group=GROUP,
        limit=limit,
        begins=board.BEGINS,
        command=shlex.quote(command),
        ends=board.ENDS,
    )


def run(guest: Guest, command: str, limit: str, *, timeout_s: float) -> list[str]:
    """Boot, run the command within the limit, switch off; the lines that it printed.

    Raises click.ClickException when QEMU is missing, or the guest is silent, takes too long, or its program fails.
    """
    image.require_programs("qemu-system-x86_64")
    image.pack(guest.system, guest.packed, {"init": init(command, limit)})
    serial = guest.packed.with_name("serial.log")
    machine: list[str | Path] = ["qemu-system-x86_64", "-M", "pc", "-cpu", "max", "-m", str(MEMORY_MB)]
    machine += ["-accel", "tcg", "-nodefaults", "-display", "none", "-no-reboot"]
    machine += ["-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"]
    machine += ["-kernel", guest.kernel, "-initrd", guest.packed, "-serial", f"file:{serial}"]
    machine += ["-append", "console=ttyS0,115200 rdinit=/init psi=1 loglevel=1"]
    return board.printed_by(machine, serial, timeout_s=timeout_s, what="limited guest")
