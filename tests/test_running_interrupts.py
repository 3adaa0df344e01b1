"""Signals while a run goes on: counted, and given back."""

import signal
import threading
import time
from collections.abc import Iterator

import pytest

from ganbench.running.interrupts import HANGUP, Interrupts


@pytest.fixture(autouse=True)
def handlers() -> Iterator[list[int]]:
    """What SIGTERM and SIGHUP do outside: they are noted."""
    noted: list[int] = []
    numbers = (signal.SIGTERM, *HANGUP)
    before = [signal.signal(number, lambda number, frame: noted.append(number)) for number in numbers]
    yield noted
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def test_the_first_two_are_counted_and_the_third_ends_what_does_not_look(handlers: list[int]) -> None:
    with Interrupts() as interrupts:
        for count in (1, 2):
            signal.raise_signal(signal.SIGTERM)
            assert interrupts.count == count
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
    assert handlers == []
    signal.raise_signal(signal.SIGTERM)
    assert handlers == [signal.SIGTERM]


@pytest.mark.skipif(not HANGUP, reason="Windows has no SIGHUP")
def test_a_closed_terminal_counts_where_it_is_to_and_is_not_ignored(handlers: list[int]) -> None:
    with Interrupts() as interrupts:
        signal.raise_signal(signal.SIGHUP)
        assert interrupts.count == 1
    with Interrupts(hangup=False) as interrupts:
        signal.raise_signal(signal.SIGHUP)
        assert interrupts.count == 0
    assert handlers == [signal.SIGHUP]
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    with Interrupts() as interrupts:
        signal.raise_signal(signal.SIGHUP)
        assert interrupts.count == 0


def test_a_wait_ends_with_an_interrupt() -> None:
    with Interrupts() as interrupts:
        timer = threading.Timer(0.1, signal.pthread_kill, [threading.main_thread().ident, signal.SIGTERM])
        timer.start()
        began = time.monotonic()
        interrupts.sleep(60.0)
        assert time.monotonic() - began < 30
        timer.join()
    assert interrupts.count == 1


def test_outside_the_main_thread_signals_are_left_alone(handlers: list[int]) -> None:
    entered, leave = threading.Event(), threading.Event()

    def run() -> None:
        with Interrupts():
            entered.set()
            leave.wait(30)

    thread = threading.Thread(target=run)
    thread.start()
    assert entered.wait(30)
    signal.raise_signal(signal.SIGTERM)
    leave.set()
    thread.join()
    assert handlers == [signal.SIGTERM]
