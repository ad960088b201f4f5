"""Keeps the settings of the person's shell out of a stack that talks to this machine."""

import os


def isolate_from_shell() -> None:
    """Forget the proxies and AWS settings of the shell, for this process and its children.

    A proxy would be asked for 127.0.0.1, and a profile that does not exist fails every client.
    """
    for name in tuple(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            del os.environ[name]
