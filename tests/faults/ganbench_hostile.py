"""A plugin as nobody would write it on purpose: each of its losses fails a trial in another way, after some steps."""

import ctypes
import os
import signal
import sys
import time

import torch
from torch import Tensor

from ganbench import hookimpl
from ganbench.hookspecs import Register
from ganbench.losses.vanilla import Vanilla

AT_CALL = 8

# By name: the status that the row must have, and a part of its reason or of its log.
EXPECTED = {
    "raises": ("failed", "RuntimeError: as announced"),
    "nan": ("diverged", "NaN"),
    "hangs": ("timeout", "--timeout"),
    "leaks": ("out-of-memory", "--memory-limit"),
    "exits": ("failed", "exit code 0"),
    "segfaults": ("failed", "SIGSEGV"),
    "forks": ("failed", "RuntimeError: left children behind"),
    "floods": ("timeout", "--timeout"),
    "stubborn": ("timeout", "did not stop when asked"),
    "gpu-memory": ("out-of-memory", "tried twice, the second time alone"),
    "system-exit": ("failed", "SystemExit"),
    "killed": ("failed", "SIGKILL"),
}


class Hostile(Vanilla):
    """Vanilla for some calls, then the fault."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def discriminator(self, real: Tensor, fake: Tensor, real_label: float = 1.0, fake_label: float = 0.0) -> Tensor:
        self.calls += 1
        if self.calls >= AT_CALL:
            print(f"{type(self).__name__} begins", flush=True)
            return self.fault(real)
        return super().discriminator(real, fake, real_label, fake_label)

    def fault(self, real: Tensor) -> Tensor:
        raise NotImplementedError


class Raises(Hostile):
    def fault(self, real: Tensor) -> Tensor:
        raise RuntimeError("as announced \x1b[31m| <b>=1+1</b>")


class NaN(Hostile):
    def fault(self, real: Tensor) -> Tensor:
        return real.sum() * float("nan")


class Hangs(Hostile):
    def fault(self, real: Tensor) -> Tensor:
        while True:
            time.sleep(60)


class Leaks(Hostile):
    def fault(self, real: Tensor) -> Tensor:
        kept = []
        while True:
            kept.append(bytearray(os.urandom(1)) * (16 << 20))
            time.sleep(0.01)


class Exits(Hostile):
    def fault(self, real: Tensor) -> Tensor:
        os._exit(0)


class Segfaults(Hostile):
    def fault(self, real: Tensor) -> Tensor:
        ctypes.string_at(0)
        raise AssertionError("address 0 was read")


class Forks(Hostile):
    """Leaves a child, a daemon in a session of its own and one that ignores signals."""

    def fault(self, real: Tensor) -> Tensor:
        for kind in ("child", "daemon", "deaf"):
            if os.fork() == 0:
                if kind == "daemon":
                    os.setsid()
                    if os.fork():
                        os._exit(0)
                if kind == "deaf":
                    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                        signal.signal(number, signal.SIG_IGN)
                while True:
                    time.sleep(60)
        time.sleep(0.2)
        raise RuntimeError("left children behind")


class Floods(Hostile):
    def fault(self, real: Tensor) -> Tensor:
        line = b"x" * 1023 + b"\n"
        while True:
            os.write(1, line * 64)


class Stubborn(Hostile):
    def fault(self, real: Tensor) -> Tensor:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        while True:
            time.sleep(60)


class GpuMemory(Hostile):
    def fault(self, real: Tensor) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")


class SystemExits(Hostile):
    def fault(self, real: Tensor) -> Tensor:
        sys.exit(3)


class Killed(Hostile):
    def fault(self, real: Tensor) -> Tensor:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("still alive")


CLASSES = {
    "raises": Raises, "nan": NaN, "hangs": Hangs, "leaks": Leaks, "exits": Exits, "segfaults": Segfaults,
    "forks": Forks, "floods": Floods, "stubborn": Stubborn, "gpu-memory": GpuMemory, "system-exit": SystemExits,
    "killed": Killed,
}  # fmt: skip


@hookimpl
def register_losses(register: Register) -> None:
    for name, cls in CLASSES.items():
        register(name, f"ganbench_hostile:{cls.__name__}", summary="fails on purpose")
