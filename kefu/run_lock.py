"""Who may work on a path: locks that die with their process.

The system lets go of such a lock when the last process that holds it ends, by
whatever end, so that a killed run is never in the way of the next one. What a
lock file says is only for people and messages: nothing is decided by it.
"""

import datetime as dt
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from kefu.errors import KefuError

try:
    import fcntl
except ImportError:  # no such locks on Windows; DuckDB's own lock remains
    fcntl = None


LongWait = tuple[float, Callable[[], None]]
"""After how many seconds of waiting, and whom to tell."""


@contextmanager
def told_if_long(long: LongWait | None) -> Iterator[None]:
    """Tell once if what is done meanwhile takes longer than that."""
    if long is None:
        yield
        return
    seconds, tell = long
    timer = threading.Timer(seconds, tell)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def held(
    path: Path,
    purpose: str,
    *,
    wait: bool | None = None,
    say: Callable[[str], None] | None = None,
    long: LongWait | None = None,
) -> Iterator[int]:
    """Hold the lock file beside `path`; yields its descriptor.

    If another process holds it: with `wait`, say so and wait for its end;
    without, raise KefuError, which tells who it is, and if `wait` is False, that
    the command can be told to wait. A wait that gets `long` is told once. A
    child process that is given the descriptor keeps the lock until it has ended
    too.

    The lock file stays behind when the lock is let go: removing it would let
    two processes lock two files of one name.
    """
    lock_file = path.parent / f".{path.name}.lock"
    try:
        # Not "w": the file tells who holds the lock, until we hold it.
        handle = lock_file.open("a+", encoding="utf-8")
    except OSError as error:
        raise KefuError(
            f"the folder {path.parent} is not writable ({error.strerror}):"
            f" choose another path for {path.name}"
        ) from error
    with handle:
        if not _lock(handle, lock_file):
            holder = _holder(lock_file)
            if not wait:
                waiting = ", add --wait" if wait is False else ""
                raise KefuError(
                    f"another {holder} is working on {path}: wait for it to"
                    f" end{waiting}, or use another path"
                )
            if say:
                say(f"waiting for another {holder} to be done with {path}")
            with told_if_long(long):
                fcntl.flock(handle, fcntl.LOCK_EX)
        _sign(handle, purpose)
        try:
            yield handle.fileno()
        finally:
            with suppress(OSError):
                handle.truncate(0)


def _lock(handle: TextIO, lock_file: Path) -> bool:
    """Try to take the lock; tell whether it was free."""
    if not fcntl:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise KefuError(
            f"the file {lock_file} cannot be locked ({error.strerror}): use a"
            " folder on a disk of this machine"
        ) from error
    return True


def _sign(handle: TextIO, purpose: str) -> None:
    """Write into the lock file who holds it, as one line of JSON."""
    now = dt.datetime.now(dt.UTC)
    mark = {
        "purpose": purpose,
        "process": os.getpid(),
        "machine": socket.gethostname(),
        "since": f"{now:%Y-%m-%d %H:%M:%S} UTC",
    }
    # A full disk is for the work itself to meet: the lock is held all the same.
    with suppress(OSError):
        handle.truncate(0)
        handle.write(json.dumps(mark) + "\n")
        handle.flush()


def holder_of(path: Path) -> str | None:
    """Return who holds the lock file beside `path`; None if nobody does."""
    lock_file = path.parent / f".{path.name}.lock"
    try:
        handle = lock_file.open("r", encoding="utf-8")
    except OSError:
        return None
    with handle:
        return None if _lock(handle, lock_file) else f"another {_holder(lock_file)}"


def _holder(lock_file: Path) -> str:
    """Return who holds a lock, as far as its file tells."""
    try:
        mark = json.loads(lock_file.read_text(encoding="utf-8"))
        return (
            f"{mark['purpose']} (process {mark['process']} on {mark['machine']},"
            f" since {mark['since']})"
        )
    except (OSError, ValueError, TypeError, KeyError):
        return "process"


@contextmanager
def folder_read(folder: Path) -> Iterator[None]:
    """Keep the folder from being emptied by `folder_replaced` meanwhile.

    Any number of processes may read at a time. The folder itself is locked,
    and nothing is written, so that it may lie on a read-only disk. Raises
    KefuError while the folder is being replaced.
    """
    with _folder_lock(folder, "LOCK_SH") as is_free:
        if not is_free:
            raise KefuError(
                f"the landings in {folder} are being rewritten by another command of"
                " kefu: wait for it to end, or set KEFU_RAW_ROOT to another folder"
            )
        yield


@contextmanager
def folder_replaced(folder: Path) -> Iterator[None]:
    """Keep the folder to oneself, to rewrite what lies in it.

    Raises KefuError while a run or another command of ours reads it.
    """
    with _folder_lock(folder, "LOCK_EX") as is_free:
        if not is_free:
            raise KefuError(
                f"the landings in {folder} are in use by a run or another command of"
                " kefu: wait for it to end"
            )
        yield


@contextmanager
def _folder_lock(folder: Path, kind: str) -> Iterator[bool]:
    """Lock a folder; yields whether it was free.

    A folder that is not there, or that its file system cannot lock (network
    file systems cannot), counts as free: the check of the input before
    publishing remains.
    """
    if not fcntl or not folder.is_dir():
        yield True
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        is_free = True
        try:
            fcntl.flock(descriptor, getattr(fcntl, kind) | fcntl.LOCK_NB)
        except BlockingIOError:
            is_free = False
        except OSError:
            pass
        yield is_free
    finally:
        os.close(descriptor)
