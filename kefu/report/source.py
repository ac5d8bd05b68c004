"""What the report shows, read from one published file."""

import json
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from importlib import resources
from pathlib import Path

import duckdb

from kefu.dashboard.context import Metric
from kefu.dashboard.needs import emptied, marked
from kefu.dashboard.published import query
from kefu.errors import EXIT_PUBLISH, KefuError, one_line
from kefu.sql import quote_text

Row = dict[str, object]

MOST_MALLS = 200
MOST_FEEDS = 20
MOST_AGENTS = 10
FIRST = 5
PROBLEMS = 8
# Of a list that is looked at, by which it is said to have moved: 0.01 points.
MOVED = 0.005


@dataclass(frozen=True)
class Source:
    """A published file, asked with the queries of the dashboard and of its own.

    Rows are dicts. A file that lacks a table of a query, as an older one may,
    answers None.
    """

    connection: duckdb.DuckDBPyConnection

    @classmethod
    def opened(cls, file: Path) -> "Source":
        """Open a file. Raises KefuError if it is none that kefu published."""
        # An instance of its own: the file may be open in another one here.
        connection = duckdb.connect()
        try:
            connection.execute(
                f"attach {quote_text(str(file))} as published (read_only)"
            )
            connection.execute("use published.marts")
            connection.execute("from published.meta.publication limit 0")
        except duckdb.Error as error:
            connection.close()
            raise KefuError(
                f"{file} cannot be read as a published file"
                f" ({one_line(error, 200)}): build it with `kefu run`",
                EXIT_PUBLISH,
            ) from error
        return cls(connection)

    def rows(self, text: str, /, **values: object) -> list[Row] | None:
        """Return the rows of a query; None where the file lacks its tables."""
        try:
            cursor = self.connection.execute(text, values or None)
        except duckdb.CatalogException:
            return None
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def of_pages(self, name: str, /, **values: object) -> list[Row] | None:
        """Return the answer of a query of the dashboard."""
        return self.without_emptied(self.rows(query(name), **values))

    def own(self, name: str, /, **values: object) -> list[Row] | None:
        """Return the answer of a query of the report."""
        file = resources.files("kefu.report") / "sql" / f"{name}.sql"
        text = file.read_text(encoding="utf-8")
        return self.without_emptied(self.rows(text, **values))

    def without_emptied(self, rows: list[Row] | None) -> list[Row] | None:
        """Return rows whose figures that lack a source are null, as on the pages."""
        return rows and [
            row | dict.fromkeys(self.emptied.intersection(row)) for row in rows
        ]

    @cached_property
    def lacking(self) -> list[str]:
        """The sources of which nothing was ever landed."""
        found = self.rows(query("sources_without_rows"), mall_id=None)
        return [str(row["source"]) for row in found or []]

    @cached_property
    def emptied(self) -> frozenset[str]:
        """The metrics that mean nothing without those sources."""
        return emptied(self.lacking)

    @cached_property
    def publication(self) -> Row:
        """The row of meta.publication."""
        (row,) = self.rows(query("publication"))
        return row

    @cached_property
    def manifest(self) -> dict:
        """What is known of the run."""
        return json.loads(self.publication["manifest"])

    @cached_property
    def metrics(self) -> dict[str, Metric]:
        """The metrics by name."""
        rows = self.of_pages("metrics") or []
        return marked({row["metric"]: Metric(**row) for row in rows}, self.lacking)

    @cached_property
    def days(self) -> Row:
        """The days that can be looked at."""
        found = self.of_pages("days")
        return found[0] if found else {"last_day": None, "data_from": None}

    @property
    def as_of(self) -> date | None:
        """The newest day with figures; None where there is none."""
        return self.days["last_day"]

    @cached_property
    def tiers(self) -> list[str]:
        """The tiers of the score, lowest first."""
        return [row["tier"] for row in self.of_pages("tiers") or []]

    @cached_property
    def malls(self) -> list[Row] | None:
        """The malls, lowest score first, with their figures of replies."""
        found = self.of_pages("overview_malls", as_of=self.as_of, category=None)
        if found is None:
            return None
        more = {
            row["mall_id"]: row for row in self.own("malls", as_of=self.as_of) or []
        }
        return [row | more.get(row["mall_id"], {}) for row in found]

    def totals(self) -> tuple[Row, Row]:
        """Return the figures of all malls together, and those of 7 days before."""
        over_all = self.manifest.get("vars", {}).get("response_time_denominator")
        found = self.of_pages(
            "totals",
            as_of=self.as_of,
            kind="all",
            name=None,
            over_all_messages=over_all == "all",
        )
        by_day = {row["as_of_date"]: row for row in found or []}
        now = by_day.pop(self.as_of, {})
        return now, next(iter(by_day.values()), {})

    def movements(self) -> dict[str, int]:
        """Return how many malls rose and fell, in score and in tier, in 7 days."""
        moved = [row for row in self.malls or [] if row["change_7d"] is not None]
        ranks = {tier: rank for rank, tier in enumerate(self.tiers)}
        steps = [
            ranks[row["score_tier"]] - ranks[row["tier_before"]]
            for row in moved
            if row["tier_before"] in ranks and row["score_tier"] in ranks
        ]
        return {
            "risen": sum(row["change_7d"] >= MOVED for row in moved),
            "fallen": sum(row["change_7d"] <= -MOVED for row in moved),
            "up": sum(step > 0 for step in steps),
            "down": sum(step < 0 for step in steps),
        }

    def first(self) -> list[Row]:
        """Return the malls to begin with: lowest tier, then the largest fall.

        As on the dashboard's first page.
        """
        ranks = {tier: rank for rank, tier in enumerate(self.tiers)}
        highest = len(ranks) - 1
        chosen = [
            row
            for row in self.malls or []
            if row["score_status"] == "scored"
            and (ranks.get(row["score_tier"]) != highest or (row["change_7d"] or 0) < 0)
        ]
        chosen.sort(
            key=lambda row: (
                ranks.get(row["score_tier"], len(ranks)),
                row["change_7d"] is None,
                row["change_7d"] or 0,
                row["experience_score"],
                row["mall_id"],
            )
        )
        return chosen[:FIRST]

    def tier_series(self) -> tuple[list[date], dict[str, list[int]]]:
        """Return days, and the number of malls by tier on each, lowest first."""
        rows = self.of_pages("overview_tiers", as_of=self.as_of, category=None) or []
        days = sorted({row["as_of_date"] for row in rows})
        counts = {(row["as_of_date"], row["tier"]): row["malls"] for row in rows}
        names = [*self.tiers, "insufficient_orders"]
        return days, {
            name: [counts.get((day, name), 0) for day in days] for name in names
        }

    def agents(self) -> tuple[list[Row], list[Row], int] | None:
        """Return the best and the worst agents, nobody twice; and how many."""
        found = self.own("agents", as_of=self.as_of)
        if found is None:
            return None
        best = found[:MOST_AGENTS]
        worst = found[max(len(best), len(found) - MOST_AGENTS) :][::-1]
        return best, worst, len(found)
