"""Which figures say nothing, because a source of theirs was never landed."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import yaml

from kefu.dashboard.text import LANGUAGES, Words

if TYPE_CHECKING:
    from kefu.dashboard.context import Metric

# A score is not emptied: it is told without what it was made. Its ranks and
# changes stand beside it.
SCORES = ("experience_score", "module_score")
OF_SCORE = frozenset({"messages", "orders", "refunds", "complaints"})


@cache
def needs() -> dict[str, frozenset[str]]:
    """Return the metrics that mean nothing without a source, by source."""
    file = resources.files("kefu.dashboard") / "needs.yml"
    found = yaml.safe_load(file.read_text(encoding="utf-8"))
    return {source: frozenset(metrics) for source, metrics in found.items()}


def emptied(lacking: Iterable[str]) -> frozenset[str]:
    """Return the metrics that mean nothing where some sources are lacking."""
    return frozenset().union(*(needs().get(source, ()) for source in lacking))


def told_sources(lacking: Iterable[str], words: Words) -> str:
    """Return the names of sources as people read them."""
    return words("list.comma").join(words(f"source.{name}") for name in lacking)


def told_figures(
    lacking: Iterable[str],
    metrics: Mapping[str, "Metric"],
    words: Words,
    passed_over: frozenset[str] = frozenset(),
) -> str:
    """Return the names of the rates and means that mean nothing.

    Their counts are not named: who reads the rate's name knows.
    """
    gone = emptied(lacking) - passed_over
    return words("list.comma").join(
        metric.name(words)
        for name, metric in sorted(metrics.items(), key=lambda pair: pair[0])
        if name in gone and metric.kind not in ("count", "distinct_count", "rank")
    )


def marked(
    metrics: Mapping[str, "Metric"], lacking: Collection[str]
) -> dict[str, "Metric"]:
    """Return the metrics, the scores named by what they were made without."""
    missing = [source for source in lacking if source in OF_SCORE]
    if not missing:
        return dict(metrics)
    found = dict(metrics)
    for name in SCORES:
        if name in found:
            metric = found[name]
            told = {}
            for language in LANGUAGES:
                words = Words(language)
                told[f"name_{language}"] = words(
                    "figure.made_without",
                    metric=metric.name(words),
                    sources=told_sources(missing, words),
                )
            found[name] = replace(metric, **told)
    return found
