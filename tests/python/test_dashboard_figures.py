"""Every figure of the pages: the parts it is made of, and what it means.

The pages are drawn once with every choice of a figure, and what they draw is noted.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest
from dashboard_pages import PAGES, asked, copy_of, page_of

from kefu.dashboard import charts, figures
from kefu.dashboard.context import Context

GROUPS = """
insert into dim_mall_groups
select 'North', mall_id, false from dim_malls order by mall_id limit 7
"""
# Pages that show one mall as well as all of them.
OF_ANY = ("load", "after_sale", "official")


@dataclass
class Drawn:
    """What one drawing of a page drew."""

    page: str
    tables: list[tuple[str, pl.DataFrame, dict]] = field(default_factory=list)
    charts: list[tuple[str, object]] = field(default_factory=list)
    contexts: list[Context] = field(default_factory=list)

    @property
    def context(self) -> Context:
        return self.contexts[-1]


@pytest.fixture(scope="module")
def file(demo, tmp_path_factory) -> Path:
    """The demo as published, with a group."""
    return copy_of(
        demo[0].published, tmp_path_factory.mktemp("figures") / "kefu.duckdb", GROUPS
    )


@pytest.fixture(scope="module")
def drawn(file) -> list[Drawn]:
    """Every page, with every figure that can be chosen."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("KEFU_PUBLISHED", str(file))
        return list(every_drawing(patched, file))


def every_drawing(patched: pytest.MonkeyPatch, file: Path) -> Iterator[Drawn]:
    now = Drawn("")
    table, draw = figures.table, charts.draw

    def noted_table(context, frame, columns, key, **options):
        now.contexts.append(context)
        if not frame.is_empty():
            now.tables.append((key, frame, dict(columns)))
        return table(context, frame, columns, key, **options)

    def noted_chart(chart, key, alt):
        now.charts.append((key, chart))
        return draw(chart, key, alt)

    patched.setattr(figures, "table", noted_table)
    patched.setattr(charts, "draw", noted_chart)
    mall_id = asked(
        file,
        "select mall_id from agent_service_score_30d where service_score is not null"
        " order by as_of_date desc, buyer_days desc, mall_id limit 1",
    ).item()
    for name in PAGES:
        now = Drawn(name)
        page = page_of(name, "en", mall_id=mall_id)
        assert not page.exception
        yield now
        if name in OF_ANY:
            now = Drawn(name)
            page.selectbox(key="mall-any").select(mall_id).run()
            assert not page.exception
            yield now
        for key in [box.key for box in page.selectbox if box.key.startswith("metric-")]:
            for number in range(1, len(page.selectbox(key=key).options)):
                now = Drawn(name)
                page.selectbox(key=key).select_index(number).run()
                assert not page.exception
                yield now


def of_agents(drawing: Drawn, columns: dict) -> bool:
    return "agent" in columns or drawing.page == "agent"


def test_every_page_is_among_what_was_drawn(drawn):
    assert {drawing.page for drawing in drawn} == set(PAGES)
    # Each figure that can be chosen was.
    assert len(drawn) > len(PAGES) + 30


def test_a_figure_in_a_table_stands_beside_what_it_is_divided_by(drawn):
    seen = set()
    for drawing in drawn:
        for key, _, columns in drawing.tables:
            there = {column.metric for column in columns.values()}
            for name in filter(None, there):
                metric = drawing.context.metrics[name]
                parts = metric.parts(of_agent=of_agents(drawing, columns))
                lacking = {part for part in parts if part} - there
                if not lacking or "parts" in columns:
                    seen |= {(key, name)} if parts[1] else set()
                    continue
                raise AssertionError(f"{drawing.page}, {key}: {name} lacks {lacking}")
    assert len(seen) > 45


def test_figures_of_several_metrics_tell_their_parts(drawn):
    """Tables whose rows are metrics: the benchmarks, the platform's report."""
    seen = 0
    for drawing in drawn:
        for key, frame, columns in drawing.tables:
            if "metric" not in frame.columns:
                continue
            assert "parts" in columns, key
            for row in frame.iter_rows(named=True):
                metric = drawing.context.metrics[row["metric"]]
                has_parts = metric.denominator is not None
                value = row.get("metric_value", row.get("our_value"))
                if value is not None:
                    assert bool(row["parts"]) == has_parts, (key, row)
                    seen += has_parts
    assert seen > 50


def test_rates_in_texts_are_nowhere_alone(drawn):
    """A table that shows shares as texts or as numbers has a column for parts."""
    for drawing in drawn:
        for key, frame, columns in drawing.tables:
            texts = frame.select(list(columns)).select(pl.selectors.string())
            if any("%" in text for row in texts.rows() for text in row if text):
                assert "parts" in columns or key == "checks", key
