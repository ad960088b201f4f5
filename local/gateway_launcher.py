"""Becomes a worker that cannot outlive the gateway.

Run as `python -I -S gateway_launcher.py <pid of the gateway> <program> <arguments…>`. The kernel is
asked here, and not in a `preexec_fn`, because Python code between fork and exec may deadlock in a
process with threads. Where there is no prctl, a worker ends when its Runtime API has gone.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def launch(parent: int, command: list[str]) -> None:
    """Tie this process to its parent and replace it by the command."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the kernel was asked
            sys.exit(1)
    os.execv(command[0], command)


if __name__ == "__main__":
    launch(int(sys.argv[1]), sys.argv[2:])
