"""Vars that belong to what is landed: `kefu ingest` writes them, `kefu run` reads.

Orders from the platform's files come without their buyers, and only together
with the chat it shows whose they are. Whoever lands them so wants the var
resolve_order_buyers on, in every run over these landings.
"""

import os
from pathlib import Path

import yaml

from kefu.errors import KefuError
from kefu.faults import refused_write
from kefu.files import sync

FILE = ".kefu-vars.yml"
OF_ORDERS = """\
# Vars of `kefu run` over these landings; --vars goes before them. Written by
# `kefu ingest` when orders without buyers were landed, and not touched again.
resolve_order_buyers: true
"""


def read_vars(raw_root: Path) -> dict:
    """Return the vars that are written beside the landings, none if none are.

    Raises KefuError for a file that is no YAML mapping.
    """
    path = raw_root / FILE
    try:
        parsed = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise KefuError(
            f"{path} cannot be read as YAML ({type(error).__name__}): mend it, or take"
            " it away"
        ) from error
    if parsed is None:
        return {}
    if not isinstance(parsed, dict):
        raise KefuError(
            f"{path} must be a YAML mapping of vars: mend it, or take it away"
        )
    return parsed


def turn_on_for_orders(raw_root: Path) -> bool:
    """Have runs look for the buyers of orders; tell whether that is new.

    A file that is there stays as it is: somebody may have decided otherwise.
    The caller holds the ingest lock of the raw root.

    Raises KefuError if it cannot be written.
    """
    path = raw_root / FILE
    if path.exists():
        return False
    fresh = path.with_name(f"{FILE}.tmp")
    try:
        fresh.write_text(OF_ORDERS, encoding="utf-8")
        sync(fresh)
        os.replace(fresh, path)
        sync(raw_root)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        said = refused_write(error) or f"{path} cannot be written ({error.strerror})"
        raise KefuError(said) from error
    return True
