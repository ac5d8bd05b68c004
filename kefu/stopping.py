"""Ctrl-C and the signals that ask a process to end: one line, no traceback."""

import os
import signal

EXIT_SIGNAL = 128
"""Added to a signal's number, it is what shells show for its victims."""

SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP")
    if hasattr(signal, name)  # Windows has no SIGHUP
)


class Stopped(KeyboardInterrupt):
    """The process was asked to end; its text and exit code say by what.

    A KeyboardInterrupt, because libraries between us and the work (dbt above
    all) know how to end their threads on one.
    """

    def __init__(self, number: int) -> None:
        name = signal.Signals(number).name
        cause = "Ctrl-C" if name == "SIGINT" else name
        super().__init__(
            f"stopped by {cause}: what is published is whole, and the command can"
            " be started again"
        )
        self.exit_code = EXIT_SIGNAL + number
        self.by_hand = cause == "Ctrl-C"


def listen() -> None:
    """Raise Stopped in the main thread when this process is asked to end.

    Whoever asks a second time does not want to wait for the clearing up: a
    killed run does no harm, so the process ends there and then. A signal that
    is ignored already (as below nohup) stays so.
    """
    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _stop)


def _stop(number: int, _: object) -> None:
    for other in SIGNALS:
        if signal.getsignal(other) is _stop:
            signal.signal(other, _end)
    raise Stopped(number)


def _end(number: int, _: object) -> None:
    os._exit(EXIT_SIGNAL + number)
