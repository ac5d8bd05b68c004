"""What every page is given: the file, the language, the day, the members."""

import json
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import polars as pl

from kefu.dashboard.needs import emptied, marked
from kefu.dashboard.published import Published, Value
from kefu.dashboard.text import Words, as_text


@dataclass(frozen=True)
class Metric:
    """A row of dim_metrics."""

    metric: str
    name_zh: str
    name_en: str
    unit: str
    is_higher_better: bool | None
    source_mark: str
    definition: str
    kind: str | None
    numerator: str | None
    denominator: str | None
    agent_numerator: str | None
    agent_denominator: str | None
    is_estimate: bool

    def name(self, words: Words) -> str:
        """Return its name in the language of the page."""
        return words.of(self.name_zh, self.name_en)

    def parts(self, *, of_agent: bool) -> tuple[str | None, str | None]:
        """Return the metrics above and below the line."""
        if of_agent:
            return self.agent_numerator, self.agent_denominator
        return self.numerator, self.denominator


@dataclass(frozen=True)
class Context:
    """What a page shows: which file, day, mall and agent, in which language.

    `as_of` is the last of the 30 days that are looked at; `mall_id` is None
    where all malls are, `cs_uid` where no agent is chosen.
    """

    data: Published
    words: Words
    as_of: date
    mall_id: str | None = None
    cs_uid: str | None = None

    def ask(self, name: str, /, **values: Value) -> pl.DataFrame:
        """Return the answer of a query of sql/.

        Figures that a source feeds which never came are null, as too little is:
        their zeros are no finding.
        """
        answer = self.data.ask(name, **values)
        return answer.with_columns(
            pl.lit(None, dtype=answer.schema[column]).alias(column)
            for column in answer.columns
            if column in self.emptied
        )

    @cached_property
    def lacking(self) -> list[str]:
        """The sources of which nothing was ever landed, of any mall."""
        found = self.data.ask("sources_without_rows", mall_id=None)
        return found["source"].to_list()

    @cached_property
    def lacking_of_mall(self) -> list[str]:
        """The sources that other malls have, and the mall never had a row of."""
        if self.mall_id is None:
            return []
        found = self.data.ask("sources_without_rows", mall_id=self.mall_id)
        return [name for name in found["source"] if name not in self.lacking]

    @cached_property
    def emptied(self) -> frozenset[str]:
        """The metrics that mean nothing without those sources."""
        return emptied(self.lacking)

    @cached_property
    def metrics(self) -> dict[str, Metric]:
        """The metrics by name."""
        rows = self.ask("metrics").iter_rows(named=True)
        return marked({row["metric"]: Metric(**row) for row in rows}, self.lacking)

    @cached_property
    def malls(self) -> dict[str, str]:
        """The malls that have figures: how each is shown, by id."""
        return {
            row["mall_id"]: member(row["mall_name"], row["mall_id"])
            for row in self.ask("malls").iter_rows(named=True)
        }

    @cached_property
    def problems(self) -> dict[str, str]:
        """The problems' names by code."""
        return {
            row["problem_code"]: self.words.of(row["name_zh"], row["name_en"])
            for row in self.ask("problems").iter_rows(named=True)
        }

    @cached_property
    def data_from(self) -> date | None:
        """The warehouse's first day; 30 days are whole from 29 days later on."""
        return self.ask("days")["data_from"][0]

    def is_short(self, as_of: date) -> bool:
        """Return whether the 30 days to a day begin before the data do."""
        return self.data_from is not None and (as_of - self.data_from).days < 29

    @cached_property
    def manifest(self) -> dict:
        """What is known of the run, as docs/publishing.md tells it."""
        return json.loads(self.ask("publication")["manifest"][0])

    def problem(self, code: str | None) -> str | None:
        """Return the name of a problem; its code where it has none."""
        return None if code is None else self.problems.get(code) or code

    def mall(self, mall_id: str) -> str:
        """Return how a mall is shown."""
        return self.malls.get(mall_id, mall_id)

    def mall_as_text(self, mall_id: str) -> str:
        """Return how a mall is shown in Markdown."""
        return as_text(self.mall(mall_id))


def member(name: str | None, identifier: str) -> str:
    """Return how a mall or an agent is shown: name and id, else the id."""
    return f"{name} ({identifier})" if name else identifier
