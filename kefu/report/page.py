"""The report as one HTML file: both languages, no network, no script.

Everything that comes from the data is escaped by the template. Whoever reads
mail sees what the page shows; where styles are taken away, both languages
stand one after the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path

import yaml
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from kefu.dashboard.context import Metric, member
from kefu.dashboard.needs import OF_SCORE, needs, told_figures, told_sources
from kefu.dashboard.text import LANGUAGES, Words
from kefu.dashboard.wording import (
    Cell,
    clock,
    formula_of,
    is_nothing,
    named,
    outcome,
    parts_of,
    written,
)
from kefu.report import charts
from kefu.report.source import MOST_FEEDS, MOST_MALLS, PROBLEMS, Row, Source

TILES = (
    *("help_seeking_rate", "platform_help_rate", "reply_rate_3min"),
    *("reply_rate_30s", "effective_reply_rate", "avg_response_seconds"),
)
MALL_COLUMNS = (
    *("help_seeking_rate", "platform_help_rate", "reply_rate_3min"),
    *("reply_rate_30s", "effective_reply_rate", "avg_response_seconds"),
)
TIER_COLOURS = ("#D55E00", "#E69F00", "#56B4E9", "#0072B2", "#009E73", "#CC79A7")
WITHOUT_SCORE = "#BBBBBB"


@dataclass(frozen=True)
class Pair:
    """A text in both languages."""

    zh: str
    en: str

    def __html__(self) -> str:
        """Return both, of which the page shows one."""
        if self.zh == self.en:
            return escape(self.zh)
        return Markup(
            '<span class="zh" lang="zh-CN">{}</span>'
            '<span class="en" lang="en">{}</span>'
        ).format(self.zh, self.en)

    def plain(self) -> str:
        """Return both in one line, for where no language can be chosen."""
        return self.zh if self.zh == self.en else f"{self.zh} / {self.en}"


@cache
def texts() -> dict[str, Pair]:
    """Return the report's own texts by key."""
    file = resources.files("kefu.report") / "text.yml"
    parts = yaml.safe_load(file.read_text(encoding="utf-8"))
    return {
        f"{part}.{key}": Pair(*pair)
        for part, entries in parts.items()
        for key, pair in entries.items()
    }


@dataclass
class Language:
    """What wording a figure in one language needs."""

    words: Words
    metrics: dict[str, Metric]


@dataclass
class Wording:
    """Words and figures in both languages; notes which metrics were shown."""

    metrics: dict[str, Metric]
    shown: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.languages = [Language(Words(name), self.metrics) for name in LANGUAGES]

    def said(self, key: str, **values: object) -> Pair:
        """Return a text of the report or, where it has none, of the dashboard."""
        own = texts().get(key)
        found = []
        for name, language in zip(LANGUAGES, self.languages, strict=True):
            of_it = {
                item: getattr(value, name) if isinstance(value, Pair) else value
                for item, value in values.items()
            }
            told = getattr(own, name).format(**of_it) if own else None
            found.append(language.words(key, **of_it) if told is None else told)
        return Pair(*found)

    def figure(self, value: Cell, unit: str, *, signed: bool = False) -> Pair:
        """Return a figure as people read it."""
        return Pair(
            *(
                written(value, unit, language.words, signed=signed)
                for language in self.languages
            )
        )

    def of_metric(self, name: str, row: Row) -> Pair:
        """Return the value of a metric in a row."""
        metric = self.metrics.get(name)
        return self.figure(row.get(name), metric.unit if metric else "")

    def name(self, name: str) -> Markup:
        """Return a metric's name, whose definition shows under the pointer."""
        metric = self.metrics.get(name)
        if metric is None:
            return escape(name)
        if name not in self.shown:
            self.shown.append(name)
        spans = [
            Markup('<abbr title="{}">{}</abbr>').format(
                self.definition(metric, language), named(metric, language.words)
            )
            for language in self.languages
        ]
        return escape(Pair(*spans))

    def parts(
        self, name: str, row: Row, *, of_agent: bool = False, with_names: bool = True
    ) -> Pair:
        """Return what a figure was computed from; without names to stand in a cell."""
        metric = self.metrics.get(name)
        if metric is None:
            return Pair("", "")
        how = {"of_agent": of_agent, "with_names": with_names}
        return Pair(
            *(parts_of(metric, row, language, **how) for language in self.languages)
        )

    def cell(self, name: str, row: Row, *, of_agent: bool = False) -> tuple[Pair, Pair]:
        """Return a figure and what it was computed from, for a cell of a table."""
        parts = self.parts(name, row, of_agent=of_agent, with_names=False)
        return self.of_metric(name, row), parts

    def definition(self, metric: Metric, language: Language) -> str:
        """Return what a metric means, in one language."""
        return language.words.definition(metric.metric, metric.definition)

    def change(self, name: str, now: Cell, before: Cell) -> tuple[Pair, str] | None:
        """Return a change against 7 days before, and if it is good or bad."""
        metric = self.metrics.get(name)
        if metric is None or is_nothing(now) or is_nothing(before):
            return None
        return self.moved(now - before, metric.unit, metric.is_higher_better)

    def moved(
        self, change: Cell, unit: str, is_higher_better: bool | None
    ) -> tuple[Pair, str]:
        """Return a change as people read it, and its kind: good, bad or flat."""
        told = self.figure(change, unit, signed=True)
        if is_nothing(change) or not any(digit in told.en for digit in "123456789"):
            return told, "flat"
        if is_higher_better is None:
            return told, "flat"
        return told, "good" if (change > 0) == is_higher_better else "bad"


def render(file: Path, *, with_names: bool = True) -> str:
    """Return the report of a published file as HTML.

    Without names, agents are shown by their accounts. Raises KefuError if the
    file is none that kefu published.
    """
    source = Source.opened(file)
    try:
        wording = Wording(source.metrics)
        sections = _sections(source, wording, with_names=with_names)
        environment = Environment(
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        return environment.from_string(_read("page.html")).render(
            **sections,
            said=wording.said,
            metric=wording.name,
            figure=wording.figure,
            of_metric=wording.of_metric,
            style=Markup(_read("page.css")),
            definitions=lambda: _definitions(wording),
        )
    finally:
        source.connection.close()


def _read(name: str) -> str:
    return (resources.files("kefu.report") / name).read_text(encoding="utf-8")


def _sections(source: Source, wording: Wording, *, with_names: bool) -> dict:
    published = source.publication
    found = {
        "publication": published,
        "published_at": Pair(
            *(
                clock(published["published_at"], language.words)
                for language in wording.languages
            )
        ),
        "newest_row": Pair(
            *(
                clock(published["newest_loaded_at"], language.words)
                for language in wording.languages
            )
        ),
        "as_of": source.as_of,
        "lacking": _lacking(source, wording),
        "is_untested": not (published["is_tested"] and published["is_audited"]),
        "with_names": with_names,
        "checks": _checks(source, wording),
        "incomplete": None,
        "malls": None,
        "few_days": None,
        "costs": None,
        "team": None,
    }
    if source.as_of is None:
        return found
    return found | {
        "incomplete": _incomplete(source, wording),
        "malls": _malls(source, wording),
        "few_days": _few_days(source, wording),
        "costs": _costs(source, wording),
        "team": _team(source, wording, with_names=with_names),
    }


def _lacking(source: Source, wording: Wording) -> list[Pair]:
    """Return what to say of sources that never came, and of what lacks them."""
    if not source.lacking:
        return []
    listed = {
        "sources": [
            told_sources(source.lacking, language.words)
            for language in wording.languages
        ],
        "figures": [
            told_figures(source.lacking, source.metrics, language.words)
            for language in wording.languages
        ],
    }
    values = {name: Pair(*told) for name, told in listed.items()}
    found = [wording.said("lacking.never_landed", **values)]
    if OF_SCORE.intersection(source.lacking):
        found.append(wording.said("state.score_without"))
    return found


def _incomplete(source: Source, wording: Wording) -> dict | None:
    by_source = source.own("newest_day", as_of=source.as_of)
    feeds = source.own("stopped", as_of=source.as_of)
    if by_source is None or feeds is None:
        return None
    return {
        "by_source": [
            row
            | {
                "name": wording.said(f"source.{row['source']}"),
                "whole": row["malls"] - row["missing"] - row["low"] - row["not_judged"],
            }
            for row in by_source
        ],
        "feeds": [
            row
            | {
                "mall": member(row["mall_name"], row["mall_id"]),
                "name": wording.said(f"source.{row['source']}"),
                "told": wording.said(f"completeness.{row['status']}"),
            }
            for row in feeds[:MOST_FEEDS]
        ],
        "all": len(feeds),
        "missing": sum(row["status"] == "missing" for row in feeds),
        "judged": any(row["malls"] > row["not_judged"] for row in by_source),
        "not_judged": sum(row["not_judged"] for row in by_source),
        "malls_30d": sum(
            bool(row["incomplete_days_30d"]) for row in source.malls or []
        ),
    }


def _malls(source: Source, wording: Wording) -> dict | None:
    rows = source.malls
    if rows is None:
        return None
    problems = _problems(source)
    now, before = source.totals()
    scored = [row for row in rows if row["score_status"] == "scored"]
    by_tier = {
        tier: sum(row["score_tier"] == tier for row in scored) for tier in source.tiers
    }
    told = [
        wording.said("overview.in_tier", tier=wording.said(f"tier.{tier}"), malls=count)
        for tier, count in reversed(by_tier.items())
        if count
    ]
    headline = wording.said(
        "overview.headline",
        malls=len(rows),
        scored=len(scored),
        told=Pair("；".join(pair.zh for pair in told), "; ".join(p.en for p in told)),
    )
    return {
        "headline": headline,
        "moved": wording.said("overview.moved", **source.movements()),
        "tiles": [_tile(name, now, before, wording, source.lacking) for name in TILES],
        "first": [_mall(row, problems, wording) for row in source.first()],
        "rows": [_mall(row, problems, wording) for row in rows[:MOST_MALLS]],
        "all": len(rows),
        "columns": MALL_COLUMNS,
        "trend": _trend(source, wording),
        "tiers": _tiers(source, wording),
    }


def _few_days(source: Source, wording: Wording) -> Pair | None:
    """Return what to say where the 30 days, or those of 7 days before, are not 30."""
    begin = source.days["data_from"]
    if begin is None:
        return None
    days = (source.as_of - begin).days + 1
    if days < 30:
        return wording.said("state.few_days", first_day=begin, days=days)
    if days < 37:
        return wording.said("state.few_days_before", first_day=begin)
    return None


def _tile(
    name: str, now: Row, before: Row, wording: Wording, lacking: Sequence[str]
) -> dict:
    without = [source for source in lacking if name in needs()[source]]
    never_came = Pair(
        *(told_sources(without, language.words) for language in wording.languages)
    )
    return {
        "name": wording.name(name),
        "value": wording.of_metric(name, now),
        "change": wording.change(name, now.get(name), before.get(name)),
        "parts": wording.said("figure.never_came", sources=never_came)
        if without
        else wording.parts(name, now),
    }


def _mall(row: Row, problems: dict[str, Pair], wording: Wording) -> dict:
    tier = row["score_tier"] or row["score_status"]
    module = row["costliest_module"]
    return {
        "name": member(row["mall_name"], row["mall_id"]),
        "score": wording.of_metric("experience_score", row),
        "tier": wording.said(f"tier.{tier}") if tier else Pair("--", "--"),
        "change": wording.moved(row["change_7d"], "points", is_higher_better=True),
        "figures": [wording.cell(name, row) for name in MALL_COLUMNS],
        "reply_change": wording.moved(
            row.get("reply_rate_3min_change"), "rate", is_higher_better=True
        ),
        "module": wording.said(f"module.{module}") if module else Pair("--", "--"),
        "problem": problems.get(row["problem_code"], row["problem_code"]),
        "problem_orders": row["problem_orders"],
        "problem_change": wording.figure(row["problem_change"], "orders", signed=True),
        "incomplete_days": row["incomplete_days_30d"] or 0,
    }


def _problems(source: Source) -> dict[str, Pair]:
    return {
        row["problem_code"]: Pair(
            row["name_zh"] or row["problem_code"], row["name_en"] or row["problem_code"]
        )
        for row in source.of_pages("problems") or []
    }


def _trend(source: Source, wording: Wording) -> dict:
    rows = source.of_pages("overview_trend", as_of=source.as_of, category=None) or []
    names = ("help_seeking_rate", "platform_help_rate")
    days = [row["as_of_date"] for row in rows]
    begin = source.days["data_from"]
    short = [day for day in days if begin and (day - begin).days < 29]
    return {
        "legend": [
            {"name": wording.name(name), "colour": colour, "dash": dash}
            for name, (colour, dash) in zip(names, charts.LINES, strict=False)
        ],
        "chart": charts.lines(
            days,
            [[row[name] for row in rows] for name in names],
            lambda value: f"{100 * value:.1f}%",
            wording.said("overview.help_trend").plain(),
            [
                [wording.parts(name, row, with_names=False).plain() for row in rows]
                for name in names
            ],
            short_until=short[-1] if short else None,
        ),
        "is_short": bool(short),
        "days": [
            {
                "day": row["as_of_date"],
                "figures": [wording.cell(name, row) for name in names],
            }
            for row in reversed(rows)
            if row["grouped_orders_30d"] is not None
        ],
    }


def _tiers(source: Source, wording: Wording) -> dict:
    days, series = source.tier_series()
    colours = [*_spread(len(series) - 1), WITHOUT_SCORE]
    names = {tier: wording.said(f"tier.{tier}") for tier in series}
    return {
        "legend": [
            {"name": names[tier], "colour": colour}
            for tier, colour in zip(series, colours, strict=True)
        ],
        "chart": charts.columns(
            days,
            {names[tier].plain(): values for tier, values in series.items()},
            colours,
            wording.said("malls.by_tier").plain(),
        ),
    }


def _spread(number: int) -> list[str]:
    return [TIER_COLOURS[at % len(TIER_COLOURS)] for at in range(number)]


def _costs(source: Source, wording: Wording) -> dict | None:
    modules = source.own("lost_points", as_of=source.as_of)
    issues = source.of_pages("overview_issues", as_of=source.as_of, category=None)
    if modules is None or issues is None:
        return None
    most = max((row["lost_points"] for row in modules), default=0) or 1
    problems = _problems(source)
    issues.sort(
        key=lambda row: (
            -(row["change_7d"] or 0),
            -row["help_orders_30d"],
            row["problem_code"],
        )
    )
    return {
        "modules": [
            {
                "name": wording.said(f"module.{row['module']}"),
                "bar": charts.bar(row["lost_points"] / most),
                "told": wording.said(
                    "costs.lost",
                    points=wording.figure(row["lost_points"], "points"),
                    malls=row["malls"],
                ),
            }
            for row in modules
        ],
        "problems": [
            {
                "name": problems.get(row["problem_code"], row["problem_code"]),
                "change": wording.moved(
                    row["change_7d"], "orders", is_higher_better=False
                ),
                "orders": wording.of_metric("help_orders_30d", row),
                "platform": wording.cell("platform_share", row),
            }
            for row in issues[:PROBLEMS]
        ],
    }


def _team(source: Source, wording: Wording, *, with_names: bool) -> dict | None:
    found = source.agents()
    if found is None:
        return None
    best, worst, number = found

    def told(rows: Sequence[Row]) -> list[dict]:
        return [
            {
                "name": member(row["cs_name"] if with_names else None, row["cs_uid"]),
                "mall": member(row["mall_name"], row["mall_id"]),
                "figures": [
                    wording.cell(name, row, of_agent=True)
                    for name in (
                        *("service_score", "buyer_days", "reply_rate_3min"),
                        "avg_response_seconds",
                    )
                ],
            }
            for row in rows
        ]

    return {"best": told(best), "worst": told(worst), "all": number}


def _checks(source: Source, wording: Wording) -> dict:
    manifest = source.manifest
    tests, audit = manifest.get("tests"), manifest.get("audit")
    not_run = wording.said("quality.not_run")
    accepted = {entry["check"] for entry in manifest.get("accepted") or []}
    judged = [
        (outcome(check, accepted), check)
        for check in (audit.get("checks", []) if isinstance(audit, dict) else [])
    ]
    order = ("blocking", "accepted", "warning", "not_judged", "passed")
    judged.sort(key=lambda pair: order.index(pair[0]))
    counts = [
        wording.said(
            "quality.check_count",
            outcome=wording.said(f"check.{name}"),
            checks=sum(found == name for found, _ in judged),
        )
        for name in order
        if any(found == name for found, _ in judged)
    ]
    told_tests = not_run
    if isinstance(tests, dict):
        numbers = {
            name: tests.get(name) or 0 for name in ("passed", "warned", "failed")
        }
        told_tests = wording.said("quality.tests_told", **numbers)
    told_audit = Pair("；".join(c.zh for c in counts), "; ".join(c.en for c in counts))
    return {
        "tests": told_tests,
        "audit": told_audit if isinstance(audit, dict) else not_run,
        "warned": tests.get("warnings") or [] if isinstance(tests, dict) else [],
        "found": [
            {
                "outcome": wording.said(f"check.{name}"),
                "kind": name,
                "what": Pair(
                    *(
                        language.words.check(check["name"], check.get("meaning") or "")
                        for language in wording.languages
                    )
                ),
                "observed": check.get("observed"),
                "advice": Pair(
                    *(
                        language.words.advice(check["name"], check.get("advice") or "")
                        for language in wording.languages
                    )
                ),
                "check": check["name"],
            }
            for name, check in judged
            if name not in ("passed", "not_judged")
        ],
        "all_passed": bool(judged) and all(name == "passed" for name, _ in judged),
    }


def _definitions(wording: Wording) -> list[dict]:
    """Return what the metrics mean that were shown, with those they are made of."""
    names = list(wording.shown)
    for name in wording.shown:
        metric = wording.metrics[name]
        names.extend(part for part in (metric.numerator, metric.denominator) if part)
    return [
        {
            "metric": metric.metric,
            "zh": metric.name_zh,
            "en": metric.name_en,
            "is_estimate": metric.is_estimate,
            "definition": Pair(
                *(
                    wording.definition(metric, language)
                    for language in wording.languages
                )
            ),
            "formula": Pair(
                *(formula_of(metric, language) for language in wording.languages)
            ),
            "mark": wording.said(f"mark.{metric.source_mark}"),
        }
        for metric in (
            wording.metrics[name]
            for name in dict.fromkeys(names)
            if name in wording.metrics
        )
    ]
