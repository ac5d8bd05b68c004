"""What, besides the landings, decides every figure: code, seeds and engine.

A table that was built by other code must not be continued by this one. The
digest covers whatever the models are made of; descriptions and tests are not
among it, since they change no row.
"""

import functools
import hashlib
from pathlib import Path

import duckdb

from kefu.run_record import READING

CODE = (
    ("models", "*.sql"),
    ("macros", "*.sql"),
    ("seeds", "*.csv"),
    ("seeds", "*.yml"),
)
SINGLE = ("models/staging/pdd/_pdd__sources.yml",)


@functools.cache
def code_digest(root: Path) -> str:
    """Return a hash of the project's code and seeds and of the engine's version.

    root is the project's folder. Line ends do not count, so that a checkout
    on another system builds nothing anew.
    """
    files = [path for folder, ending in CODE for path in (root / folder).rglob(ending)]
    files += [root / name for name in SINGLE]
    named = {path.relative_to(root).as_posix(): path for path in files}
    package = Path(__file__).parent
    named |= {f"kefu/{name}": package / name for name in READING}
    digest = hashlib.blake2b(duckdb.__version__.encode(), digest_size=16)
    for name, path in sorted(named.items()):
        content = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
