"""The words of the pages in both languages, from text.yml and zh.yml."""

import re
from functools import cache
from importlib import resources

import yaml

LANGUAGES = {"zh": "中文", "en": "English"}

# Before the dot of keys whose rest is a code that the data hold. Codes of a
# firm's own seeds, or of a later version, are shown as they are.
OF_CODES = frozenset(
    {
        *("account", "audit", "cause", "channel", "check", "class"),
        *("completeness", "issue", "module", "reason", "role", "source"),
        *("status", "tier", "unit_name"),
    }
)

# What begins something in the Markdown of Streamlit pages.
MARKDOWN = re.compile(r"[\\`*_\[\]<>#$~|&:!@]")


@cache
def texts() -> dict[str, tuple[str, str]]:
    """Return every text by key: Chinese, English."""
    return {
        f"{part}.{key}": (zh, en)
        for part, entries in _read("text.yml").items()
        for key, (zh, en) in entries.items()
    }


@cache
def chinese() -> dict[str, dict[str, str]]:
    """Return the Chinese of what the published file says in English only."""
    return _read("zh.yml")


def _read(name: str) -> dict:
    file = resources.files("kefu.dashboard") / name
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def as_text(name: str) -> str:
    """Return Markdown that shows a name of the data, whatever signs it has.

    It is no formula, picture or heading and stays on its line; an address in it is
    asked for only by who clicks on it. Tables, charts and lists to choose from are
    no Markdown: they are given names as they are.
    """
    return MARKDOWN.sub(r"\\\g<0>", " ".join(name.split()))


class Words:
    """The texts in one language, "zh" or "en"."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, key: str, **values: object) -> str:
        """Return a text; {names} in it are replaced by values.

        Raises KeyError for a key that is not there, save where it ends in a
        code of the data.
        """
        kind, _, code = key.partition(".")
        if kind in OF_CODES and key not in texts():
            return code
        return self.of(*texts()[key]).format(**values)

    def of(self, zh: str, en: str) -> str:
        """Return the one of two texts that is of this language."""
        return (zh if self.language == "zh" else en) or zh or en

    def definition(self, metric: str, english: str) -> str:
        """Return what a metric means."""
        return self.of(chinese()["definitions"].get(metric, ""), english) or english

    def check(self, name: str, english: str) -> str:
        """Return what a check of the audit asks for."""
        return self.of(chinese()["checks"].get(name, ""), english) or english

    def advice(self, name: str, english: str) -> str:
        """Return what to do where a check of the audit failed."""
        return self.of(chinese()["advice"].get(name, ""), english) or english

    def difference(self, figure: str, english: str) -> str:
        """Return in what the platform's definition of a figure differs from ours."""
        return self.of(chinese()["differences"].get(figure, ""), english) or english

    def cause(self, cause: str) -> str:
        """Return what the platform's figure likely differs from ours by."""
        return self(f"cause.{cause}")

    def tier(self, tier: str | None) -> str | None:
        """Return the name of a tier of the score, or of a score's status."""
        return None if tier is None else self(f"tier.{tier}")

    def module(self, module: str | None) -> str | None:
        """Return the name of a module of the score."""
        return None if module is None else self(f"module.{module}")

    def reason(self, reason: str) -> str:
        """Return why a row was rejected."""
        return self(f"reason.{reason}")

    def unit(self, unit: str) -> str:
        """Return how a unit of dim_metrics is written beside an axis."""
        return self(f"unit_name.{unit}")
