"""A source of which nothing was ever landed: its zeros are told as no figures.

The marts hold 0 where there is nothing, as they should; what reads them must tell
"none happened" from "none came".
"""

import re
from pathlib import Path

import pytest
from dashboard_pages import (
    LANGUAGES,
    PAGES,
    asked,
    copy_of,
    page_of,
    tables_with,
    tile,
    told,
)

from kefu.dashboard.needs import needs
from kefu.dashboard.shell import PAGES as SHELL_PAGES
from kefu.dashboard.text import Words
from kefu.report.page import render

GONE = ("refunds", "complaints", "ratings")
# As after a run over landings without them.
ZEROS = """
update mall_kpi_30d set autonomous_refunded_orders = 0, refunded_orders = 0,
    refund_rate = 0, dispute_refund_orders = 0,
    dispute_refund_rate = 0, platform_intervention_orders = 0,
    platform_intervention_rate = 0, quality_refund_orders = 0, quality_refund_rate = 0,
    complaint_buyers = 0, complaint_rate = 0, rating_count = 0, low_rating_count = 0,
    low_rating_rate = null;
update help_seeking_rate_30d set help_orders_30d = 0, platform_help_orders_30d = 0,
    help_seeking_rate = 0, platform_help_rate = 0;
update agent_kpi_30d set complaint_buyers = 0, complaint_rate = 0, rating_count = 0,
    low_rating_count = 0, low_rating_rate = null;
delete from core_issues_30d
"""


def without(source: str) -> tuple[str, ...]:
    """Return what takes a source out of a published file."""
    return (
        f"delete from data_quality_balance where source = '{source}'",
        f"delete from data_completeness where source = '{source}'",
    )


@pytest.fixture(scope="module")
def bare(demo, tmp_path_factory) -> Path:
    """The demo as published, as if no refund, complaint or rating had come."""
    statements = [*ZEROS.split(";"), *(s for name in GONE for s in without(name))]
    place = tmp_path_factory.mktemp("bare") / "kefu.duckdb"
    return copy_of(demo[0].published, place, *statements)


@pytest.fixture
def shown(bare, monkeypatch) -> Path:
    monkeypatch.setenv("KEFU_PUBLISHED", str(bare))
    return bare


def warnings_of(page) -> str:
    return "\n".join(element.value for element in page.warning)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_each_page_says_what_of_its_sources_never_came(shown, name, language):
    page = page_of(name, language)
    assert not page.exception
    assert not page.error
    words = Words(language)
    (of_it,) = [page for page in SHELL_PAGES if page.name == name]
    warned = warnings_of(page)
    begins = {"zh": "从未装载：", "en": "Never landed: "}[language]
    named = re.findall(rf"{begins}([^.。]*)", warned)
    for source in GONE:
        is_named = any(words(f"source.{source}") in told for told in named)
        assert is_named == (source in of_it.sources), (source, warned)


@pytest.mark.parametrize(
    ("name", "tiles"),
    [
        (
            "mall",
            {
                "Help-seeking rate": "Complaints, Refunds",
                "Platform help rate": "Complaints, Refunds",
                "Refund rate": "Refunds",
                "Complaint rate": "Complaints",
            },
        ),
        (
            "after_sale",
            {
                "Refund rate": "Refunds",
                "Dispute refund rate": "Refunds",
                "Platform intervention rate": "Refunds",
                "Quality refund rate": "Refunds",
            },
        ),
        (
            "overview",
            {
                "Help-seeking rate": "Complaints, Refunds",
                "Platform help rate": "Complaints, Refunds",
            },
        ),
        ("agent", {"Complaint rate": "Complaints", "Share of low ratings": "Ratings"}),
    ],
)
def test_their_figures_are_no_zeros(shown, name, tiles):
    page = page_of(name, "en")
    captions = [caption.value for caption in page.caption]
    for label, sources in tiles.items():
        assert tile(page, label) == "--"
        assert f"Never landed: {sources}" in captions
        assert label in warnings_of(page)
    assert "0.00%" not in [metric.value for metric in page.metric]


def test_figures_of_what_came_stay(shown):
    page = page_of("mall", "en")
    for label in ("Human reply rate within 3 min", "Sales through service"):
        assert tile(page, label) != "--"
        assert label not in warnings_of(page)


def test_the_score_says_what_it_was_made_without(shown):
    page = page_of("mall", "en")
    (score,) = [metric for metric in page.metric if "experience" in metric.label]
    assert "(without Complaints, Refunds)" in score.label
    assert score.value != "--"
    assert "made without them" in warnings_of(page)
    assert "made without them" not in warnings_of(page_of("team", "en"))


def test_nobody_sought_help_is_said_with_what_never_came(shown):
    for name in ("mall", "after_sale"):
        infos = [element.value for element in page_of(name, "en").info]
        assert any("Complaints, Refunds" in info for info in infos), name
        assert "Nobody sought help in the 30 days." not in infos


def test_tables_hold_no_zeros_of_them(shown):
    (disputes,) = tables_with(page_of("after_sale", "en"), "dispute_refund_rate")
    assert disputes["refund_rate"].isna().all()
    assert disputes["refunded_orders"].isna().all()
    assert disputes["grouped_orders"].notna().any()


def test_no_figure_of_theirs_is_compared_with_other_malls(shown):
    benchmarks = tables_with(page_of("mall", "en"), "category_percentile")
    named = "\n".join(str(value) for table in benchmarks for value in table.to_numpy())
    assert "Human reply rate within 3 min" in named
    assert "Refund rate" not in named


def test_the_report_says_it_too(bare, demo):
    text = render(bare)
    assert "Never landed: Complaints, Ratings, Refunds." in text
    assert "从未装载：投诉、评分、售后单。" in text
    assert "made without them" in text
    assert "without Complaints, Refunds" in text
    values = re.findall(r'<div class="value">(.*?)</div>', text)
    assert values[:2] == ["--", "--"]
    assert "Never landed" not in render(demo[0].published)


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_said_where_all_came(demo, monkeypatch, name):
    monkeypatch.setenv("KEFU_PUBLISHED", str(demo[0].published))
    text = told(page_of(name, "en"))
    assert "Never landed" not in text
    assert "(without " not in text


def test_a_mall_that_never_had_rows_of_a_source_is_told(demo, tmp_path, monkeypatch):
    mall_id = asked(demo[0].published, "select min(mall_id) as id from mall_kpi_30d")
    mall_id = mall_id["id"][0]
    file = copy_of(
        demo[0].published,
        tmp_path / "kefu.duckdb",
        "delete from data_completeness"
        f" where source = 'refunds' and mall_id = '{mall_id}'",
    )
    monkeypatch.setenv("KEFU_PUBLISHED", str(file))
    page = page_of("mall", "en", mall_id=mall_id)
    infos = [i.value for i in page.info if "this one never had any" in i.value]
    assert len(infos) == 1
    assert "any: Refunds." in infos[0]
    # There may have been none: the figure stands.
    assert tile(page, "Refund rate") != "--"
    other = page_of("after_sale", "en", mall_id=None)
    assert "never had any" not in told(other)


def test_rows_that_were_all_rejected_say_nothing(demo, tmp_path, monkeypatch):
    file = copy_of(
        demo[0].published,
        tmp_path / "kefu.duckdb",
        "update data_quality_balance set rows_rejected = rows_landed,"
        " rows_current = 0, rows_superseded = 0 where source = 'complaints'",
    )
    monkeypatch.setenv("KEFU_PUBLISHED", str(file))
    page = page_of("mall", "en")
    assert tile(page, "Complaint rate") == "--"
    assert tile(page, "Refund rate") != "--"


def test_what_needs_a_source_is_a_metric_and_so_are_all_of_its_rates(demo):
    metrics = asked(demo[0].published, "from dim_metrics").to_dicts()
    known = {metric["metric"] for metric in metrics}
    assert set(needs()) == {"messages", "orders", "refunds", "complaints", "ratings"}
    for source, names in needs().items():
        assert names <= known, source
        # What is divided by, or made from, an emptied count is emptied as well.
        made_of = {
            metric["metric"]
            for metric in metrics
            if {metric["numerator"], metric["denominator"]} & (names - {None})
        }
        assert made_of <= names | ALREADY_NULL, source


# Null by themselves where what they are divided by is 0.
ALREADY_NULL = {
    *("avg_order_value", "units_per_buyer", "avg_refund_hours_autonomous"),
}
