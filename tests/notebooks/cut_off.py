"""Run a command with the network cut off: python cut_off.py [--guard] COMMAND ...

On Linux, where it is allowed, in a network namespace of its own which holds nothing but the loopback that kernels talk
over. Elsewhere, or with --guard, with a sitecustomize that refuses every other address inside Python. Says on stderr
which it is.
"""

import ctypes
import os
import socket
import struct
import sys
from pathlib import Path

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SET_INTERFACE_FLAGS, INTERFACE_UP = 0x8914, 0x1  # SIOCSIFFLAGS, IFF_UP


def own_namespace() -> bool:
    """Move this process into an empty network namespace, loopback up; False where that is not possible."""
    if sys.platform != "linux":
        return False
    user, group = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
            return False
        for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            Path("/proc/self", name).write_text(text, encoding="ascii")
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SET_INTERFACE_FLAGS, struct.pack("16sH22x", b"lo", INTERFACE_UP))
    return True


def main() -> None:
    command = sys.argv[1:]
    guard = command[:1] == ["--guard"]
    command = command[1:] if guard else command
    if not guard and own_namespace():
        print("network: none but loopback (own namespace)", file=sys.stderr)
    else:
        folder = str(Path(__file__).resolve().parent / "no_network")
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH")]))
        print("network: refused inside Python (guard)", file=sys.stderr)
    sys.stderr.flush()
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
