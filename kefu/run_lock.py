"""One run at a time for a file: a lock that dies with its process."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kefu.errors import KefuError

try:
    import fcntl
except ImportError:  # no such locks on Windows; DuckDB's own lock remains
    fcntl = None


@contextmanager
def held(path: Path, purpose: str) -> Iterator[None]:
    """Hold the lock file beside `path`, or raise KefuError if it is taken.

    The lock file stays behind when the lock is let go: removing it would let
    two processes lock two files of one name.
    """
    lock_file = path.parent / f".{path.name}.lock"
    try:
        handle = lock_file.open("w")
    except OSError as error:
        raise KefuError(
            f"the folder {path.parent} is not writable ({error.strerror}):"
            f" choose another path for {path.name}"
        ) from error
    with handle:
        if fcntl:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise KefuError(
                    f"another {purpose} is working on {path}: wait for it to"
                    " end, or use another path"
                ) from error
        yield
