"""audit.yml: how severe each check is, from where on it fails, and what to do."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from kefu.audit.checks import Check
from kefu.errors import KefuError, one_line

FILE = "audit.yml"
BLOCKING, WARNING = "blocking", "warning"
SEVERITIES = (BLOCKING, WARNING)
HISTORY_KEYS = ("least",)
TEXTS = ("severity", "advice")
MOST_LISTED = 12


@dataclass(frozen=True)
class Rule:
    """What audit.yml says of one check."""

    severity: str
    advice: str
    thresholds: dict[str, float]


@dataclass(frozen=True)
class Config:
    """audit.yml, read and found good."""

    least_history: int
    """Earlier loads or days without which nothing is compared."""
    rules: dict[str, Rule]


def read_config(root: Path, checks: Iterable[Check]) -> Config:
    """Read audit.yml in the project folder.

    Raises KefuError, with the one thing to mend, for a check or a key that is
    not known or missing, and for values that make no sense.
    """
    path = root / FILE
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise KefuError(
            f"{FILE}, which holds the thresholds of the audit, cannot be read in"
            f" {root} ({error.strerror}): restore it"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise KefuError(
            f"{FILE} is not YAML ({one_line(error, 200)}): mend it"
        ) from error
    top = _mapping(document, "")
    _only(top, ("history", "checks"), "")
    history = _mapping(top["history"], "history")
    _only(history, HISTORY_KEYS, "history")
    known = {check.name: check for check in checks}
    listed = _mapping(top["checks"], "checks")
    _only(listed, tuple(known), "checks")
    return Config(
        least_history=int(_number(history["least"], "history.least")),
        rules={name: _rule(check, listed[name]) for name, check in known.items()},
    )


def _rule(check: Check, entry: object) -> Rule:
    place = f"checks.{check.name}"
    rule = _mapping(entry, place)
    _only(rule, (*TEXTS, *check.thresholds), place)
    severity, advice = rule["severity"], rule["advice"]
    if severity not in SEVERITIES:
        raise KefuError(f"{FILE}: {place}.severity must be {' or '.join(SEVERITIES)}")
    if not isinstance(advice, str) or not advice.strip():
        raise KefuError(f"{FILE}: {place}.advice must be a sentence")
    thresholds = {
        name: _number(rule[name], f"{place}.{name}") for name in check.thresholds
    }
    return Rule(severity, " ".join(advice.split()), thresholds)


def _mapping(value: object, place: str) -> dict:
    if not isinstance(value, dict):
        raise KefuError(f"{FILE}: {place or 'the file'} must be a mapping")
    return value


def _only(found: dict, wanted: tuple[str, ...], place: str) -> None:
    """Raise KefuError unless a mapping has the wanted keys and no others."""
    where = f" in {place}" if place else ""
    for name in found:
        if name not in wanted:
            hint = nearest(str(name), wanted)
            raise KefuError(f"{FILE}: unknown key {name}{where}: {hint}")
    for name in wanted:
        if name not in found:
            raise KefuError(f"{FILE}: the key {name} is missing{where}: add it")


def _number(value: object, place: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise KefuError(f"{FILE}: {place} must be a number of 0 or more")
    return value


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint: the known name that is meant, or all if that is a line."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(near)}?"
    if len(known) > MOST_LISTED:
        return f"audit.yml names all {len(known)} of them"
    return f"known: {', '.join(known)}"
