"""Every figure of the pages: the parts it is made of, and what it means.

The pages are drawn once with every choice of a figure, and what they draw is noted.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest
from dashboard_pages import PAGES, asked, copy_of, page_of
from streamlit.testing.v1 import AppTest

from kefu.dashboard import figures
from kefu.dashboard.context import Context
from kefu.dashboard.text import texts

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
    charts: list[tuple[str, object, set[str]]] = field(default_factory=list)
    shown: list[tuple[str, str]] = field(default_factory=list)
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
    table, chart = figures.table, figures.chart

    def noted_table(context, frame, columns, key, **options):
        now.contexts.append(context)
        if not frame.is_empty():
            now.tables.append((key, frame, dict(columns)))
        return table(context, frame, columns, key, **options)

    def noted_chart(context, plot, key, alt, *, names=(), meanings=()):
        now.contexts.append(context)
        now.charts.append((key, plot, {*names, *meanings}))
        return chart(context, plot, key, alt, names=names, meanings=meanings)

    patched.setattr(figures, "table", noted_table)
    patched.setattr(figures, "chart", noted_chart)
    mall_id = asked(
        file,
        "select mall_id from agent_service_score_30d where service_score is not null"
        " order by as_of_date desc, buyer_days desc, mall_id limit 1",
    ).item()
    for name in PAGES:
        now = Drawn(name)
        chosen = {} if name in OF_ANY else {"mall_id": mall_id}
        page = page_of(name, "en", **chosen)
        yield seen(page, now)
        if name in OF_ANY:
            now = Drawn(name)
            yield seen(page.selectbox(key="mall-any").select(mall_id).run(), now)
        for key in [box.key for box in page.selectbox if box.key.startswith("metric-")]:
            for number in range(1, len(page.selectbox(key=key).options)):
                now = Drawn(name)
                yield seen(page.selectbox(key=key).select_index(number).run(), now)


def seen(page: AppTest, now: Drawn) -> Drawn:
    """Note what stands on the page, from its top to its bottom."""
    assert not page.exception
    now.shown = list(elements(page.main))
    return now


def elements(block) -> Iterator[tuple[str, str]]:
    """Tables, charts, tiles, and what each button for definitions opens."""
    for child in block.children.values():
        if getattr(child, "children", None) is None:
            if child.type in ("dataframe", "plotly_chart", "metric"):
                yield child.type, ""
        elif child.type == "popover":
            told = "\n".join(text.value for text in child.get("markdown"))
            yield "definitions", told
        else:
            yield from elements(child)


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


def test_a_chart_tells_the_parts_of_its_rates(drawn):
    seen = set()
    for drawing in drawn:
        for key, plot, names in drawing.charts:
            metrics = [m for m in map(drawing.context.metrics.get, names) if m]
            divided = {m.name(drawing.context.words) for m in metrics if m.denominator}
            for trace in plot.data:
                values = trace.z if trace.type == "heatmap" else trace.y
                is_alone = len(metrics) == 1 and len(plot.data) == 1
                if trace.name not in divided and not (divided and is_alone):
                    continue
                assert "%{customdata}" in trace.hovertemplate, (drawing.page, key)
                assert len(trace.customdata) == len(values)
                told = [text for text in flat(trace.customdata) if text]
                assert told and all("(" in text for text in told), key
                seen.add((key, *names))
    assert len(seen) > 20
    # Shares of messages, which are of no metric, tell theirs too.
    shares = [
        trace
        for drawing in drawn
        for key, plot, _ in drawing.charts
        if key == "responses"
        for trace in plot.data
    ]
    assert shares
    assert all("÷" in text for trace in shares for text in trace.customdata)


def flat(values) -> list[str]:
    return [text for row in values for text in ([row] if isinstance(row, str) else row)]


# --- what figures mean ---


def test_a_figure_in_a_table_has_a_definition(drawn):
    for drawing in drawn:
        for key, frame, columns in drawing.tables:
            for name, column in columns.items():
                is_figure = frame.schema[name].is_numeric() or column.unit
                if not is_figure:
                    continue
                assert column.metric or column.meaning, f"{drawing.page} {key}: {name}"


def test_every_tile_chart_and_table_is_followed_by_its_definitions(drawn):
    """One click away, that is: no other figure stands between it and the button."""
    counted = dict.fromkeys(("dataframe", "plotly_chart", "metric"), 0)
    for drawing in drawn:
        tables, plots = iter(drawing.tables), iter(drawing.charts)
        for number, (kind, _) in enumerate(drawing.shown):
            if kind == "definitions":
                continue
            where = f"{drawing.page}: {kind} {number}"
            following = drawing.shown[number + 1 : number + 2]
            assert following and following[0][0] == "definitions", where
            told = following[0][1]
            counted[kind] += 1
            if kind == "dataframe":
                key, _, columns = next(tables)
                defined = {column.metric for column in columns.values()}
                defined |= {column.meaning for column in columns.values()}
            elif kind == "plotly_chart":
                key, _, defined = next(plots)
                assert defined, (drawing.page, key)
            else:
                assert "(`" in told, where
                continue
            for name in filter(None, defined):
                known = name in drawing.context.metrics
                sign = f"(`{name}`)" if known else texts()[f"meaning.{name}"][1]
                assert sign in told, f"{drawing.page}, {key}: {name}"
        # None was drawn by another way.
        assert next(tables, None) is None and next(plots, None) is None
    assert all(number > 40 for number in counted.values()), counted


def test_no_meaning_is_left_over(drawn):
    used = set()
    for drawing in drawn:
        used |= {name for *_, names in drawing.charts for name in names}
        used |= {c.meaning for *_, cs in drawing.tables for c in cs.values()}
    opened = "\n".join(told for drawing in drawn for _, told in drawing.shown)
    for key, (_, english) in texts().items():
        part, _, name = key.partition(".")
        if part == "meaning":
            assert english.startswith("**") and (name in used or english in opened), key
