"""The secret behind buyer_key: whether it will do, and whether it has changed.

The key itself is written nowhere. What is kept of it is a check value, from
which the key can only be found by guessing, and each guess is made slow.
"""

import functools
import hashlib

import duckdb

from kefu.errors import KefuError
from kefu.settings import DEMO_BUYER_KEY, Settings

LEAST_CHARACTERS = 16
"""Of a key in production: shorter ones can be found by trying them all."""

CHECKED_TEXT = b"kefu buyer key check"
CHECK_BYTES = 12


@functools.cache
def check_value(key: str) -> str:
    """Return 24 hexadecimal digits that tell one key from another.

    Derived with scrypt (16 MB, some 50 ms), because buyer ids and this value
    together must not make guessing cheaper than buyer_key itself does.
    """
    derived = hashlib.scrypt(
        key.encode(), salt=CHECKED_TEXT, n=1 << 14, r=8, p=1, dklen=CHECK_BYTES
    )
    return derived.hex()


def weakness(key: str) -> str | None:
    """Return why a key is not fit for production, or None."""
    if key == DEMO_BUYER_KEY:
        return "the demo's key"
    if len(key.strip()) < LEAST_CHARACTERS:
        return f"a key of fewer than {LEAST_CHARACTERS} characters"
    return None


def refuse_weak_key(settings: Settings) -> None:
    """Raise KefuError for a key that the target prod does not take."""
    found = weakness(settings.buyer_key)
    if found:
        raise KefuError(
            f"the target prod refuses {found} for buyer_key: set KEFU_BUYER_KEY to"
            f" a secret of your own of {LEAST_CHARACTERS} characters or more"
        )


def has_changed(settings: Settings) -> bool:
    """Return whether the working database was built with another key.

    Also true while a rebuilding for a new key has not been finished. Where
    the database does not say, or cannot be read now, the build will tell.
    """
    if not settings.database.is_file():
        return False
    try:
        with duckdb.connect(str(settings.database), read_only=True) as connection:
            row = connection.execute(
                "select check_value from meta.buyer_key"
            ).fetchone()
    except duckdb.Error:
        return False
    return row is not None and row[0] != check_value(settings.buyer_key)
