"""The dashboard without a browser: what each page shows, against the tables."""

import csv
import io
import json
import math
import re
import socket
from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest
import yaml
from click.testing import CliRunner
from conftest import ROOT
from dashboard_pages import (
    LANGUAGES,
    PAGES,
    asked,
    copy_of,
    page_of,
    put_in_place,
    tables_with,
    tile,
    told,
)
from python_calamine import CalamineWorkbook
from streamlit import config, net_util
from streamlit.web import bootstrap

from kefu.cli import main
from kefu.commands import dashboard as dashboard_command
from kefu.dashboard import charts, figures
from kefu.dashboard.context import Context
from kefu.dashboard.figures import Column, written
from kefu.dashboard.published import Published, UnreadableFileError, current, query
from kefu.dashboard.shell import PAGES as SHELL_PAGES
from kefu.dashboard.text import OF_CODES, Words, chinese, texts
from kefu.dashboard.views import official

HOME = ROOT / "kefu" / "dashboard"
GROUPS = """
insert into dim_mall_groups
select 'North', mall_id, false
from (select mall_id from dim_malls order by mall_id limit 7)
union all
select '甲客户', mall_id, false
from (select mall_id from dim_malls order by mall_id desc limit 20)
union all
select 'North', 'no such mall', true
"""


@pytest.fixture(scope="module")
def file(demo, tmp_path_factory) -> Path:
    """The demo as published, with two groups."""
    return copy_of(
        demo[0].published, tmp_path_factory.mktemp("pages") / "kefu.duckdb", GROUPS
    )


@pytest.fixture
def shown(file, monkeypatch) -> Path:
    """The same file, as the one that pages show."""
    monkeypatch.setenv("KEFU_PUBLISHED", str(file))
    return file


@pytest.fixture(scope="module")
def as_of(file) -> date:
    return asked(file, "select max(as_of_date) as day from mall_kpi_30d")["day"][0]


@pytest.fixture(scope="module")
def scored(file, as_of) -> list[dict]:
    """The scored malls of the newest day, the lowest score first."""
    return asked(
        file,
        """
        select * from experience_score_30d
        where as_of_date = $1 and score_status = 'scored'
        order by experience_score, mall_id
        """,
        as_of,
    ).to_dicts()


def percent(value: float) -> str:
    return f"{100 * value:.2f}%"


# --- texts ---


def test_every_text_has_both_languages_and_the_same_gaps():
    for key, (zh, en) in texts().items():
        assert zh.strip() and en.strip(), key
        gaps = [sorted(re.findall(r"{(\w+)}", text)) for text in (zh, en)]
        assert gaps[0] == gaps[1], key


def literal_keys() -> set[str]:
    found = set()
    for source in HOME.rglob("*.py"):
        code = source.read_text(encoding="utf-8")
        found |= set(re.findall(r'words\(\s*"([^"]+)"', code))
        found |= set(
            re.findall(r'\(\s*(?:words|context), "([a-z_]+\.[a-z_0-9]+)"', code)
        )
        found |= set(re.findall(r'"((?:quality|chart)\.[a-z_0-9]+)"', code))
    return found


def test_every_text_that_is_asked_for_is_there():
    keys = literal_keys()
    assert len(keys) > 150
    assert keys <= texts().keys()


def test_no_text_is_left_over():
    parts = {
        *OF_CODES,
        # keys that are put together
        *("page", "mark", "team", "after_sale", "weekday", "figure", "column"),
        # held by test_dashboard_figures.py
        "meaning",
    }
    used = literal_keys() | {"mall.peers_category", "mall.peers_all", "state.empty"}
    used |= {f"official.{name}" for name in ("report", "score_page", "one_figure")}
    statuses = ("unknown", "off_roster", "ambiguous", "older_export")
    used |= {f"evidence.{name}" for name in statuses}
    left = {key for key in texts() if key.split(".")[0] not in parts} - used
    assert left == set()


def test_what_the_file_says_in_english_is_there_in_chinese(file):
    metrics = asked(file, "select metric from dim_metrics")["metric"].to_list()
    checks = yaml.safe_load((ROOT / "audit.yml").read_text(encoding="utf-8"))["checks"]
    assert set(chinese()["definitions"]) == set(metrics)
    assert set(chinese()["checks"]) == set(checks)
    assert set(chinese()["advice"]) == set(checks)
    for advice in chinese()["advice"].values():
        assert re.search("[\u4e00-\u9fff]", advice), advice


def test_what_definitions_differ_in_is_there_in_chinese():
    with (ROOT / "seeds/official_metric_mapping.csv").open(encoding="utf-8") as seed:
        differing = {
            row["official_column"] for row in csv.DictReader(seed) if row["difference"]
        }
    assert set(chinese()["differences"]) == differing


@pytest.mark.parametrize(
    ("kind", "question"),
    [
        ("module", "select module from dim_problems"),
        ("module", "select module from dim_score_modules"),
        ("tier", "select tier from dim_score_tiers"),
        ("tier", "select score_status from experience_score_30d"),
        ("reason", "select reason from data_quality_rejects"),
        ("source", "select source from data_quality_balance"),
        ("source", "select source from data_completeness"),
        ("issue", "select issue from data_quality_issues"),
        ("completeness", "select status from data_completeness"),
        ("channel", "select channel from fct_help_requests"),
        ("status", "select target_status from mall_benchmarks_30d"),
        ("cause", "select likely_cause from official_reconciliation"),
        ("account", "select account_status from official_reconciliation"),
        ("official", "select source from official_reconciliation"),
        ("role", "select agent_role from dim_agents"),
        ("unit_name", "select unit from dim_metrics where metric in ({shown})"),
    ],
)
def test_every_code_has_a_name(file, kind, question):
    # Units of figures that stand beside no axis and in no heading need none.
    with_axis = "'reply_rate_30s', 'sales_amount', 'messages', 'avg_refund_hours'"
    found = asked(file, question.format(shown=with_axis)).to_series().drop_nulls()
    assert len(found)
    for code in found.unique():
        assert f"{kind}.{code}" in texts(), code


def test_reasons_of_the_models_have_a_name():
    reasons = set()
    for source in [*(ROOT / "models/staging").rglob("*.sql"), *ROOT.glob("macros/*")]:
        code = source.read_text(encoding="utf-8")
        if source.stem.endswith("reasons") or "staging" in source.parts:
            reasons |= set(
                re.findall(r"then\s+'((?:missing|invalid|unreadable)_[a-z_]+)'", code)
            )
    assert len(reasons) > 8
    assert {f"reason.{reason}" for reason in reasons} <= texts().keys()


def test_codes_without_a_name_are_shown_as_they_are():
    assert Words("zh").module("a_module_of_the_firm") == "a_module_of_the_firm"
    with pytest.raises(KeyError):
        Words("zh")("page.nowhere")


# --- queries ---


def test_queries_are_files_and_none_is_left_over():
    names = {path.stem for path in (HOME / "sql").glob("*.sql")}
    used = set()
    for source in HOME.rglob("*.py"):
        used |= set(re.findall(r'"([a-z_0-9]+)"', source.read_text(encoding="utf-8")))
    assert names - used == set()
    for name in names:
        assert query(name).strip()


def test_what_is_chosen_is_bound_and_never_part_of_a_query(shown, as_of):
    evil = "x' or 1 = 1 --"
    data = current(shown)
    assert data.ask("mall_issues", mall_id=evil, as_of=as_of).is_empty()
    assert data.ask("overview_malls", category=evil, as_of=as_of).is_empty()


def test_the_file_can_be_read_and_nothing_else(shown, tmp_path):
    connection = current(shown)._connection.cursor()
    with pytest.raises(Exception, match="read-only"):
        connection.execute("create table published.marts.mine (x int)")
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n", encoding="utf-8")
    with pytest.raises(Exception, match=r"(?i)disabled|permission"):
        connection.execute(f"select * from read_csv('{secret}')").fetchall()


# --- pages against the tables ---


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_drawn_in_both_languages(shown, name, language):
    page = page_of(name, language)
    assert not page.exception
    assert not page.error
    assert page.title[0].value == texts()[f"page.{name}"][LANGUAGES.index(language)]
    assert page.metric or page.dataframe


def test_pages_are_those_of_the_tests():
    assert tuple(page.name for page in SHELL_PAGES) == PAGES


def test_overview_shows_all_malls_as_one(shown, as_of, scored):
    page = page_of("overview", "en")
    (help_, replies) = (
        asked(
            shown,
            """
            select sum(help_orders_30d) as above, sum(grouped_orders_30d) as below
            from help_seeking_rate_30d where as_of_date = $1 and module = 'all'
            """,
            as_of,
        ).row(0, named=True),
        asked(
            shown,
            """
            select
                sum(late_buyers_3min) as above,
                sum(assessed_consult_buyers) as below,
                sum(avg_response_seconds * answered_messages)
                / sum(answered_messages) as seconds
            from mall_kpi_30d where as_of_date = $1
            """,
            as_of,
        ).row(0, named=True),
    )
    rate = help_["above"] / help_["below"]
    assert tile(page, "Help-seeking rate") == percent(float(rate))
    rate = 1 - replies["above"] / replies["below"]
    assert tile(page, "Human reply rate within 3 min") == percent(float(rate))
    told_time = written(replies["seconds"], "seconds", Words("en"))
    assert tile(page, "Average response time") == told_time
    text = told(page)
    assert f"{help_['above']:,} (Orders with a help request in 30 days)" in text
    assert f"{len(scored)} of" in text
    risen = sum((row["change_7d"] or 0) >= 0.005 for row in scored)
    fallen = sum((row["change_7d"] or 0) <= -0.005 for row in scored)
    assert f"of {risen} rose and of {fallen} fell" in text


def test_overview_lists_every_mall_with_its_parts(shown, as_of, scored):
    page = page_of("overview", "zh")
    (table,) = tables_with(page, "mall", "late_buyers_3min")
    assert (
        len(table)
        == asked(
            shown,
            """
        select count(distinct mall_id) as malls from (
            select mall_id from mall_kpi_30d where as_of_date = $1
            union all
            select mall_id from experience_score_30d where as_of_date = $1
        )
        """,
            as_of,
        )["malls"][0]
    )
    shown_scores = table["experience_score"].dropna().to_list()
    assert shown_scores == [row["experience_score"] for row in scored]


def test_what_to_do_first_begins_with_the_lowest_tier(shown, scored):
    tiers = asked(shown, "select * from dim_score_tiers order by min_score")["tier"]
    order = {tier: rank for rank, tier in enumerate(tiers)}
    worst = min(
        (row for row in scored if row["score_tier"] != tiers[-1]),
        key=lambda row: (
            order[row["score_tier"]],
            math.inf if row["change_7d"] is None else row["change_7d"],
            row["experience_score"],
        ),
    )
    steps = [m.value for m in page_of("overview", "en").markdown if "**1. " in m.value]
    assert len(steps) == 1
    assert worst["mall_id"] in steps[0]
    assert f"{worst['experience_score']:.2f}" in steps[0]


def test_a_category_is_its_malls_alone(shown, as_of):
    page = page_of("overview", "en")
    category = page.selectbox(key="category").options[1]
    page.selectbox(key="category").select(category).run()
    assert not page.exception
    found = asked(
        shown,
        """
        select
            sum(help_orders_30d) / sum(grouped_orders_30d) as rate,
            count(*) as malls
        from help_seeking_rate_30d inner join dim_malls using (mall_id)
        where as_of_date = $1 and module = 'all' and category_name = $2
        """,
        as_of,
        category,
    ).row(0, named=True)
    assert tile(page, "Help-seeking rate") == percent(found["rate"])
    (table,) = tables_with(page, "mall", "late_buyers_3min")
    assert len(table) == found["malls"]


def test_an_earlier_day_is_shown_as_it_was(shown, as_of, scored):
    day = as_of - timedelta(days=9)
    mall_id = scored[0]["mall_id"]
    page = page_of("mall", "en", as_of=day, mall_id=mall_id)
    expected = asked(
        shown,
        "select experience_score as score from experience_score_30d"
        " where as_of_date = $1 and mall_id = $2",
        day,
        mall_id,
    )["score"][0]
    label = "Consumer service experience score (estimate)"
    assert tile(page, label) == written(expected, "points", Words("en"))


def test_a_mall_shows_its_score_and_what_costs_points(shown, as_of, scored):
    for row in (scored[0], scored[len(scored) // 2], scored[-1]):
        page = page_of("mall", "zh", mall_id=row["mall_id"])
        assert not page.exception
        label = "消费者服务体验分（估算）"
        assert tile(page, label) == f"{row['experience_score']:.2f}"
        assert f"排第 **{row['category_rank']}**" in told(page)
        modules = tables_with(page, "lost_points", "weight_share")[0]
        assert len(modules) == 5
        assert modules["lost_points"].sum() == pytest.approx(
            5 - row["experience_score"], abs=1e-9
        )
        kpis = asked(
            shown,
            "select * from mall_kpi_30d where as_of_date = $1 and mall_id = $2",
            as_of,
            row["mall_id"],
        ).row(0, named=True)
        for name, label in (
            ("reply_rate_3min", "3分钟人工回复率"),
            ("inquiry_conversion_rate", "询单转化率"),
            ("refund_rate", "退款率"),
        ):
            assert tile(page, label) == written(kpis[name], "rate", Words("zh"))
        assert tile(page, "客服销售额") == f"¥{kpis['sales_amount']:,.2f}"
        issues = tables_with(page, "issue_rank")[0]
        expected = asked(
            shown,
            "select sum(help_orders_30d) as orders, count(*) as problems"
            " from core_issues_30d where as_of_date = $1 and mall_id = $2",
            as_of,
            row["mall_id"],
        ).row(0)
        assert (issues["help_orders_30d"].sum(), len(issues)) == expected


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_to_do_is_told_in_the_readers_language(
    file, tmp_path, monkeypatch, language
):
    manifest = json.loads(
        asked(file, "select manifest from meta.publication")["manifest"][0]
    )
    failed = manifest["audit"]["checks"][0]
    failed["success"] = False
    of_a_firm = {**failed, "name": "of_the_firm", "advice": "Ask Li."}
    manifest["audit"]["checks"].append(of_a_firm)
    told_so = json.dumps(manifest).replace("'", "''")
    found = copy_of(
        file,
        tmp_path / "failed.duckdb",
        f"update meta.publication set manifest = '{told_so}'",
    )
    monkeypatch.setenv("KEFU_PUBLISHED", str(found))
    (checks,) = tables_with(page_of("quality", language), "outcome", "check")
    advice = dict(zip(checks["check"], checks["advice"], strict=True))
    zh = chinese()["advice"][failed["name"]]
    assert advice[failed["name"]] == (zh if language == "zh" else failed["advice"])
    assert advice["of_the_firm"] == "Ask Li."


def test_a_mall_without_a_score_says_why(file, tmp_path, as_of, scored, monkeypatch):
    mall_id = scored[0]["mall_id"]
    few = copy_of(
        file,
        tmp_path / "few.duckdb",
        f"""
        update experience_score_30d set
            experience_score = null, score_status = 'insufficient_orders',
            score_display = '--', score_tier = null, grouped_orders_30d = 12,
            category_rank = null, category_percentile = null
        where mall_id = '{mall_id}'
        """,
        f"""
        update experience_module_scores_30d set module_score = null
        where mall_id = '{mall_id}'
        """,
    )
    monkeypatch.setenv("KEFU_PUBLISHED", str(few))
    page = page_of("mall", "en", mall_id=mall_id)
    assert not page.exception
    assert tile(page, "Consumer service experience score (estimate)") == "--"
    assert "12 grouped orders in 30 days are fewer than the 100" in told(page)


# --- the next tier ---


def percentile(own: float, others: list[float]) -> float:
    if not others:
        return 0.5
    beaten = sum(1.0 if other > own else 0.5 * (other == own) for other in others)
    return beaten / len(others)


def on_curve(x: float, points: list[tuple[float, float]]) -> float:
    if x <= points[0][0]:
        return points[0][1]
    for (x1, y1), (x2, y2) in zip(points, points[1:], strict=False):
        if x <= x2:
            return y1 + (x - x1) * (y2 - y1) / (x2 - x1)
    return points[-1][1]


def fewest_orders(file: Path, as_of: date, mall: dict) -> dict[str, tuple]:
    """Compute by trying: per module the orders to avoid and the best score."""
    modules = asked(
        file,
        """
        select modules.*, scores.category_name, help.grouped_orders_30d,
            help.help_orders_30d, help.platform_help_orders_30d
        from experience_module_scores_30d as modules
        inner join experience_score_30d as scores using (mall_id, as_of_date)
        inner join help_seeking_rate_30d as help using (mall_id, as_of_date, module)
        where as_of_date = $1 and scores.score_status = 'scored'
        """,
        as_of,
    ).to_dicts()
    curve = asked(file, "select * from dim_score_curve order by x").rows()
    tiers = asked(file, "select min_score from dim_score_tiers")["min_score"]
    score = mall["experience_score"]
    higher = [tier for tier in tiers if tier > round(score, 12)]
    own = [row for row in modules if row["mall_id"] == mall["mall_id"]]
    weights = sum(row["weight"] for row in own)
    answers = {}
    for row in own:
        others = [
            other
            for other in modules
            if other["module"] == row["module"]
            and other["mall_id"] != row["mall_id"]
            and (
                mall["peer_scope"] == "all"
                or other["category_name"] == mall["category_name"]
            )
        ]
        scores_then = []
        for avoided in range(row["help_orders_30d"] + 1):
            platform = max(row["platform_help_orders_30d"] - avoided, 0)
            rates = (
                platform / row["grouped_orders_30d"],
                (row["help_orders_30d"] - avoided) / row["grouped_orders_30d"],
            )
            standing = (
                7 * percentile(rates[0], [o["platform_help_rate"] for o in others])
                + 3 * percentile(rates[1], [o["help_seeking_rate"] for o in others])
            ) / 10
            module_score = 5 * on_curve(standing, curve)
            share = row["weight"] / weights
            scores_then.append(score + share * (module_score - row["module_score"]))
        enough = [
            number
            for number, then in enumerate(scores_then)
            if higher and round(then, 12) >= min(higher)
        ]
        answers[row["module"]] = (
            min(enough) if enough else None,
            pytest.approx(max(scores_then), abs=1e-9),
        )
    return answers


@pytest.mark.parametrize("curve", ["as it is", "bent"])
def test_the_next_tier_takes_what_trying_shows(file, as_of, scored, tmp_path, curve):
    if curve == "bent":
        file = copy_of(
            file,
            tmp_path / "bent.duckdb",
            "delete from dim_score_curve",
            "insert into dim_score_curve values (0.1, 0.2), (0.4, 0.3), (0.8, 1)",
            "update experience_module_scores_30d set weight = 0.5"
            " where module = 'goods'",
        )
    data = Published(file)
    reached = 0
    for mall in scored:
        expected = fewest_orders(file, as_of, mall)
        found = data.ask("next_tier", mall_id=mall["mall_id"], as_of=as_of)
        assert {
            row["module"]: (row["help_orders_to_avoid"], row["best_score"])
            for row in found.iter_rows(named=True)
        } == expected
        reached += sum(orders is not None for orders, _ in expected.values())
    assert reached


def test_the_next_tier_is_told(shown, as_of, scored):
    told_some = 0
    for mall in scored[:6]:
        page = page_of("mall", "en", mall_id=mall["mall_id"])
        expected = fewest_orders(shown, as_of, mall)
        ways = [orders for orders, _ in expected.values() if orders is not None]
        text = told(page)
        if ways:
            assert f"**{min(ways)}** help orders" in text
            told_some += 1
        else:
            assert "No module alone is enough" in text
    assert told_some


# --- team and agent ---


def busiest_mall(file: Path, as_of: date) -> str:
    return asked(
        file,
        "select mall_id from agent_kpi_30d where as_of_date = $1"
        " group by mall_id order by sum(consult_buyers) desc, mall_id limit 1",
        as_of,
    )["mall_id"][0]


def test_the_team_is_the_agents_of_the_mall(shown, as_of):
    mall_id = busiest_mall(shown, as_of)
    page = page_of("team", "zh", mall_id=mall_id)
    expected = asked(
        shown,
        """
        select kpis.* from agent_kpi_30d as kpis
        left join dim_agents using (mall_id, cs_uid)
        where as_of_date = $1 and mall_id = $2 and not coalesce(is_robot, false)
        order by consult_buyers desc, cs_uid
        """,
        as_of,
        mall_id,
    )
    speed = tables_with(page, "agent", "late_buyers_3min", "reply_rate_30s")[0]
    sales = tables_with(page, "agent", "converted_inquiry_buyers")[0]
    assert speed["late_buyers_3min"].to_list() == expected["late_buyers_3min"].to_list()
    assert sales["sales_amount"].sum() == pytest.approx(
        float(expected["sales_amount"].sum())
    )


def test_response_classes_hold_every_assessed_message(shown, as_of):
    mall_id = busiest_mall(shown, as_of)
    page = page_of("team", "en", mall_id=mall_id)
    table = tables_with(page, "to_30s", "unanswered")[0]
    expected = asked(
        shown,
        """
        select
            count(*) as total,
            count_if(response_seconds <= 30) as fast,
            count_if(response_seconds > 300 and response_seconds <= 3600) as slow,
            count_if(response_seconds is null) as unanswered
        from fct_buyer_messages
        where mall_id = $2 and is_assessed
            and service_date between $1::date - 29 and $1
        """,
        as_of,
        mall_id,
    ).row(0)
    columns = ("total", "to_30s", "to_1h", "unanswered")
    assert [int(table[name].sum()) for name in columns] == [*map(int, expected)]


def test_shifts_are_added_up_and_divided_last(shown, as_of):
    mall_id = busiest_mall(shown, as_of)
    table = tables_with(page_of("team", "en", mall_id=mall_id), "shift_name")[0]
    rows = asked(
        shown,
        "select * from agent_kpi_shift_daily where mall_id = $2"
        " and service_date between $1::date - 29 and $1",
        as_of,
        mall_id,
    ).to_dicts()
    for shift in table.to_dict("records"):
        own = [row for row in rows if row["shift_name"] == shift["shift_name"]]
        below = sum(row["assessed_consult_buyers"] for row in own)
        late = sum(row["late_buyers_3min"] for row in own)
        timed = sum(row["answered_messages"] for row in own)
        total = sum(
            row["avg_response_seconds"] * row["answered_messages"]
            for row in own
            if row["answered_messages"]
        )
        if below:
            assert shift["reply_rate_3min"] == pytest.approx(1 - late / below)
        if timed:
            assert shift["avg_response_seconds"] == pytest.approx(total / timed)


def test_an_agent_is_shown_with_parts_of_his_own(shown, as_of):
    row = asked(
        shown,
        """
        select * from agent_kpi_30d
        where as_of_date = $1 and inquiry_conversion_rate > 0 and complaint_buyers > 0
        order by consult_buyers desc, mall_id, cs_uid limit 1
        """,
        as_of,
    ).row(0, named=True)
    page = page_of("agent", "en", mall_id=row["mall_id"], cs_uid=row["cs_uid"])
    assert not page.exception
    rate = row["converted_inquiry_buyers"] / row["inquiry_buyers"]
    assert tile(page, "Inquiry conversion rate") == percent(rate)
    assert f"{row['converted_inquiry_buyers']} (Converted inquiring buyers)" in told(
        page
    )
    assert f"{row['received_buyers']} (Buyers received by a human)" in told(page)


def test_an_agent_with_too_little_has_no_service_score(shown, as_of):
    row = asked(
        shown,
        """
        select scores.* from agent_service_score_30d as scores
        inner join agent_kpi_30d using (mall_id, cs_uid, as_of_date)
        inner join dim_agents using (mall_id, cs_uid)
        where as_of_date = $1 and service_score is null and not is_robot
        order by buyer_days desc, mall_id, cs_uid limit 1
        """,
        as_of,
    ).row(0, named=True)
    page = page_of("agent", "zh", mall_id=row["mall_id"], cs_uid=row["cs_uid"])
    assert tile(page, "客服服务分（估算）") == "--"
    assert f"考核 {row['buyer_days']} 人天" in told(page)


# --- groups ---


def test_a_group_is_recomputed_from_the_parts_of_its_malls(shown, as_of):
    page = page_of("mall_groups", "en", group="North")
    (table,) = tables_with(page, "name", "malls", "help_seeking_rate")
    rows = asked(
        shown,
        """
        select * from dim_mall_groups
        inner join mall_kpi_30d using (mall_id)
        inner join help_seeking_rate_30d as help using (mall_id, as_of_date)
        where as_of_date = $1 and help.module = 'all'
        """,
        as_of,
    ).to_dicts()
    for group in table.to_dict("records"):
        own = [row for row in rows if row["group_name"] == group["name"]]

        def total(name, own=own):
            return sum(row[name] for row in own)

        assert group["malls"] == len(own)
        assert group["help_seeking_rate"] == pytest.approx(
            total("help_orders_30d") / total("grouped_orders_30d")
        )
        assert group["reply_rate_3min"] == pytest.approx(
            1 - total("late_buyers_3min") / total("assessed_consult_buyers")
        )
        assert group["avg_response_seconds"] == pytest.approx(
            sum(
                row["avg_response_seconds"] * row["answered_messages"]
                for row in own
                if row["answered_messages"]
            )
            / total("answered_messages")
        )
        assert group["refund_rate"] == pytest.approx(
            min(1, total("refunded_orders") / total("grouped_orders"))
        )
        assert group["sales_amount"] == pytest.approx(float(total("sales_amount")))
        mean = sum(row["help_seeking_rate"] or 0 for row in own) / len(own)
        assert group["help_seeking_rate"] != pytest.approx(mean, rel=1e-4)
    assert "no such mall" in told(page)


def test_what_has_no_orders_has_no_rate(file, as_of, scored, tmp_path, monkeypatch):
    """Neither of a group without grouped orders, nor before the first day."""
    mall_id = scored[0]["mall_id"]
    changed = copy_of(
        file,
        tmp_path / "kefu.duckdb",
        "delete from dim_mall_groups",
        f"insert into dim_mall_groups values ('Alone', '{mall_id}', true)",
        f"""
        create or replace table mall_kpi_30d as
        select * replace (
            case when mall_id = '{mall_id}' then 0 else grouped_orders end
                as grouped_orders,
            case when mall_id = '{mall_id}' then 0 else consult_buyers end
                as consult_buyers
        )
        from mall_kpi_30d
        """,
    )
    monkeypatch.setenv("KEFU_PUBLISHED", str(changed))
    data = Published(changed)
    rates = [
        *("refund_rate", "dispute_refund_rate", "quality_refund_rate"),
        *("platform_intervention_rate", "complaint_rate"),
    ]
    asked_for = {"over_all_messages": False}
    rows = data.ask("totals", as_of=as_of, kind="group", name="Alone", **asked_for)
    assert rows.height == 2
    assert rows.select(rates).row(1) == (None,) * len(rates)
    first = asked(file, "select min(as_of_date) as day from mall_kpi_30d")["day"][0]
    rows = data.ask("totals", as_of=first, kind="all", name=None, **asked_for)
    before, now = rows.to_dicts()
    assert (before["malls"], before["as_of_date"]) == (0, first - timedelta(days=7))
    left = {key: value for key, value in before.items() if value is not None}
    assert set(left) == {"name", "as_of_date", "malls"}
    assert now["malls"] > 0
    page = page_of("after_sale", "en", as_of=first)
    assert "-100.00" not in told(page)
    assert not page.exception


def test_without_groups_the_page_says_how_to_make_them(demo, monkeypatch):
    monkeypatch.setenv("KEFU_PUBLISHED", str(demo[0].published))
    page = page_of("mall_groups", "zh")
    assert not page.exception
    assert "seeds/mall_groups.csv" in told(page)


# --- load, after the sale, quality ---


@pytest.mark.parametrize("of_one_mall", [False, True])
def test_load_is_a_mean_over_the_last_28_days(shown, as_of, of_one_mall):
    mall_id = busiest_mall(shown, as_of)
    chosen = {"mall_id": mall_id} if of_one_mall else {}
    page = page_of("load", "en", **chosen)
    (table,) = tables_with(page, "weekday", "messages")
    assert len(table) == 7 * 24
    rows = asked(
        shown,
        "select * from hourly_load where service_date between $1::date - 27 and $1"
        " and ($2 is null or mall_id = $2)",
        as_of,
        mall_id if of_one_mall else None,
    ).to_dicts()
    thursday_evening = [
        row
        for row in rows
        if row["service_date"].isoweekday() == 4 and row["hour_of_day"] == 20
    ]
    cell = table[(table["weekday"] == "Thu") & (table["hours"] == "20:00-21:00")]
    total = sum(row["messages"] for row in thursday_evening)
    assert cell["messages"].item() == pytest.approx(total / 4)
    assert table["messages"].sum() == pytest.approx(
        sum(row["messages"] for row in rows) / 4
    )


def test_disputes_are_shown_over_orders_and_over_refunds(shown, as_of):
    page = page_of("after_sale", "en")
    found = asked(
        shown,
        """
        select sum(dispute_refund_orders) as disputes, sum(grouped_orders) as orders,
            sum(refunded_orders) as refunds,
            sum(avg_refund_hours * refunded_orders) / sum(refunded_orders) as hours
        from mall_kpi_30d where as_of_date = $1
        """,
        as_of,
    ).row(0, named=True)
    disputes = found["disputes"]
    rate, of_refunds = disputes / found["orders"], disputes / found["refunds"]
    assert tile(page, "Dispute refund rate") == percent(float(rate))
    assert tile(page, "Dispute share of refunds") == percent(float(of_refunds))
    assert tile(page, "Average refund time") == f"{found['hours']:.1f} h"
    table = tables_with(page, "mall", "dispute_refund_rate")[0]
    assert table["dispute_refund_orders"].sum() == disputes


def compared_with(file: Path, as_of: date, mall_id: str | None = None) -> list[dict]:
    """The platform's figures that a page of the day is to show."""
    return asked(
        file,
        """
        select * from official_reconciliation
        where period_end <= $1 and period_end > $1::date - 30
            and ($2 is null or mall_id = $2)
        """,
        as_of,
        mall_id,
    ).to_dicts()


def cause_counts(rows: list[dict]) -> Counter:
    return Counter(row["likely_cause"] for row in rows)


def test_the_platforms_figures_are_counted_by_likely_cause(shown, as_of):
    rows = compared_with(shown, as_of)
    counts = cause_counts(rows)
    assert set(counts) == {
        *("equal", "definition", "late_data", "roster", "unexplained")
    }
    page = page_of("official", "en")
    text = told(page)
    assert f"Of {len(rows)} figures {counts['equal']} are the same as shown" in text
    assert f"{counts['definition']} another definition" in text
    assert f"{counts['late_data']} not final or late data" in text
    lacking = sum(row["our_value"] is None for row in rows)
    assert f"Of {lacking} there is none of ours" in text
    (malls,) = tables_with(page, "mall", "figures", "unexplained")
    assert malls["figures"].sum() == len(rows)
    for cause, figures_ in counts.items():
        assert malls[cause].sum() == figures_
    assert malls["without_ours"].sum() == lacking


@pytest.mark.parametrize("language", LANGUAGES)
def test_of_a_mall_the_platforms_report_stands_beside_ours(shown, as_of, language):
    words = Words(language)
    (mall_id,) = {
        row["mall_id"]
        for row in compared_with(shown, as_of)
        if row["account_status"] == "unknown"
        and row["metric"] == "avg_response_seconds"
    }
    rows = compared_with(shown, as_of, mall_id)
    page = page_of("official", language, mall_id=mall_id)
    page.selectbox(key="mall-any").select(mall_id).run()
    assert not page.exception
    metrics = {
        row["metric"]: row[f"name_{language}"]
        for row in asked(shown, "select * from dim_metrics").to_dicts()
    }
    (table,) = tables_with(page, "figure", "official", "ours")
    totals = {
        metrics[row["metric"]]: row
        for row in rows
        if row["source"] == "report" and row["row_type"] == "mall_total"
    }
    assert set(table["figure"]) == set(totals) and len(totals) > 10
    for line in table.to_dict("records"):
        row = totals[line["figure"]]
        assert line["official"] == written(row["official_value"], row["unit"], words)
        assert line["ours"] == written(row["our_value"], row["unit"], words)
        assert (
            line["cause"]
            == texts()[f"cause.{row['likely_cause']}"][LANGUAGES.index(language)]
        )
        assert bool(line["why"]) == bool(row["evidence"])
    # One figure of each account, as numbers.
    (accounts,) = tables_with(page, "account", "official_value")
    name = metrics["sales_amount"]
    page.selectbox(key="official-figure-agent").select(name).run()
    (accounts,) = tables_with(page, "account", "official_value")
    known = {
        row["cs_account"]: row
        for row in rows
        if row["row_type"] == "agent" and row["metric"] == "sales_amount"
    }
    assert set(accounts["account"]) == set(known)
    for line in accounts.to_dict("records"):
        row = known[line["account"]]
        assert line["official_value"] == row["official_value"]
        assert row["our_value"] is None or line["our_value"] == row["our_value"]
    (stranger,) = accounts[accounts["our_value"].isna()].to_dict("records")
    assert stranger["status"] == words("account.unknown")
    assert stranger["why"].startswith(words("evidence.unknown"))


def test_a_difference_rests_on_what_the_table_says(shown, as_of, monkeypatch):
    """The page puts its evidence together anew, in its language: no piece is lost."""
    context = Context(current(shown), Words("en"), as_of)
    rows = context.ask("official_figures", as_of=as_of, mall_id=None).to_dicts()
    evidences = asked(
        shown,
        """
        select * from official_reconciliation
        where period_end <= $1 and period_end > $1::date - 30
        order by period_end desc, source, mall_id, period_start, row_type desc,
            cs_account nulls last, metric, item_name nulls first
        """,
        as_of,
    ).to_dicts()
    pieces = set()
    for row, known in zip(rows, evidences, strict=True):
        found = official.evidence(context, row)
        assert found.count("; ") == known["evidence"].count("; ")
        assert bool(found) == bool(known["evidence"])
        pieces |= set(re.sub(r"\d+(-\d+)*", "N", found).split("; "))
    assert len(pieces) > 8
    chinese_words = Context(current(shown), Words("zh"), as_of)
    for row in rows:
        assert not re.search("[a-z]{3}", official.evidence(chinese_words, row))


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_that_speaks_for_a_difference_is_told(language):
    context = SimpleNamespace(words=Words(language))
    worst = {
        "likely_cause": "roster",
        "account_status": "off_roster",
        "is_in_newest_export": False,
        "is_our_value_final": False,
        "is_official_value_final": False,
        "exported_at": datetime(2026, 11, 8, 1),
        "incomplete_days": 11,
        "definition_differs": "in words",
        "official_column": "reply_rate_30s",
        "off_shift_days": 22,
        "rows_landed_later": 33,
    }
    found = official.evidence(context, worst)
    separator = texts()["list.separator"][LANGUAGES.index(language)]
    assert len(found.split(separator)) == 8
    for told_number in ("2026-11-08", "11", "22", "33"):
        assert told_number in found
    assert ("in words" in found) == (language == "en")
    assert official.evidence(context, worst | {"likely_cause": "equal"}) == ""


def test_an_earlier_day_knows_no_later_report(shown, as_of):
    ends = {row["period_end"] for row in compared_with(shown, as_of)}
    page = page_of("official", "en", as_of=min(ends) - timedelta(days=1))
    assert not page.dataframe
    assert texts()["official.empty"][1] in [info.value for info in page.info]


def test_quality_shows_the_books_the_rejects_and_the_checks(shown):
    page = page_of("quality", "en")
    (balance,) = tables_with(page, "rows_landed")
    assert (
        balance["rows_landed"].sum()
        == asked(
            shown, "select sum(rows_landed)::bigint as rows from data_quality_balance"
        )["rows"][0]
    )
    assert "The books balance." in told(page)
    (rejects,) = tables_with(page, "why")
    assert (
        rejects["rows"].sum()
        == asked(shown, "select sum(rows)::bigint as rows from data_quality_rejects")[
            "rows"
        ][0]
    )
    assert "the buyer is missing" in set(rejects["why"])
    manifest = json.loads(asked(shown, "select manifest from meta.publication").item())
    (checks,) = tables_with(page, "outcome", "check")
    assert set(checks["check"]) == {
        check["name"] for check in manifest["audit"]["checks"]
    }
    passed = sum(check["success"] is True for check in manifest["audit"]["checks"])
    assert (checks["outcome"] == "passed").sum() == passed
    assert f"{manifest['tests']['passed']:,} passed" in told(page)


@pytest.mark.parametrize(
    ("status", "said"),
    [("complete", "quality.nothing_lacking"), ("not_judged", "quality.nothing_judged")],
)
def test_what_was_not_judged_is_not_called_complete(
    file, tmp_path, monkeypatch, status, said
):
    judged = copy_of(
        file,
        tmp_path / "kefu.duckdb",
        f"update data_completeness set status = '{status}', rows = 7,"
        " expected_rows = 7, days_silent = 0, usual_gap_days = 1",
    )
    monkeypatch.setenv("KEFU_PUBLISHED", str(judged))
    texts_shown = told(page_of("quality", "en"))
    for key in ("quality.nothing_lacking", "quality.nothing_judged"):
        assert (texts()[key][1] in texts_shown) == (key == said)


def test_an_axis_says_its_unit_once():
    en, zh = Words("en"), Words("zh")
    assert charts.titled("Messages (mean a day)", "messages", en) == (
        "Messages (mean a day)"
    )
    name = "Buyers per active agent"
    assert charts.titled(name, "buyers per agent", en) == name
    assert charts.titled("Score", "points", en) == "Score (points)"
    assert charts.titled("店铺数", "malls", zh) == "店铺数 (家)"


def test_books_that_do_not_balance_are_said(file, tmp_path, monkeypatch):
    off = copy_of(
        file,
        tmp_path / "off.duckdb",
        "update data_quality_balance set rows_rejected = rows_rejected + 1"
        " where source = 'orders' and load_date ="
        " (select min(load_date) from data_quality_balance where source = 'orders')",
    )
    monkeypatch.setenv("KEFU_PUBLISHED", str(off))
    page = page_of("quality", "zh")
    assert [error.value for error in page.error] == ["有 1 行对不上！"]


# --- what a figure says of itself ---


def test_incomplete_days_are_flagged(file, tmp_path, as_of, scored, monkeypatch):
    mall_id = scored[0]["mall_id"]
    marts = ("experience_score_30d", "mall_kpi_30d", "help_seeking_rate_30d")
    thin = copy_of(
        file,
        tmp_path / "thin.duckdb",
        *(
            f"update {mart} set incomplete_days_30d = 3, is_complete = false"
            f" where mall_id = '{mall_id}'"
            for mart in marts
        ),
    )
    monkeypatch.setenv("KEFU_PUBLISHED", str(thin))
    assert "有 3 天数据缺失或偏少" in told(page_of("mall", "zh", mall_id=mall_id))
    page = page_of("overview", "en")
    (table,) = tables_with(page, "mall", "incomplete_days_30d")
    flagged = int((table["incomplete_days_30d"] > 0).sum())
    assert flagged
    assert f"Of {flagged} malls the 30 days are incomplete" in told(page)


def test_versions_without_tests_or_audit_are_flagged(file, tmp_path, monkeypatch):
    untested = copy_of(
        file, tmp_path / "raw.duckdb", "update meta.publication set is_tested = false"
    )
    monkeypatch.setenv("KEFU_PUBLISHED", str(untested))
    assert "without all of its tests" in told(page_of("load", "en"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_metric_tells_what_it_means(shown, as_of, language):
    words = Words(language)
    context = Context(data=current(shown), words=words, as_of=as_of)
    for metric in context.metrics.values():
        text = figures.define(metric, context)
        assert metric.name_zh in text and metric.name_en in text
        assert words(f"mark.{metric.source_mark}") in text
        assert (words("figure.is_estimate") in text) == bool(metric.is_estimate)
        if metric.denominator:
            below = context.metrics[metric.denominator].name(words)
            assert below in text.split("\n\n", 2)[2]


def test_estimates_are_marked_where_they_stand(shown, scored):
    page = page_of("mall", "zh", mall_id=scored[0]["mall_id"])
    for table in page.dataframe:
        columns = json.loads(table.proto.columns)
        for name in ("experience_score", "module_score", "score_then", "lost_points"):
            if name in columns:
                assert "估算" in columns[name]["label"]


@pytest.mark.parametrize(
    ("value", "unit", "zh", "en"),
    [
        (None, "rate", "--", "--"),
        (float("nan"), "points", "--", "--"),
        (0.93125, "rate", "93.12%", "93.12%"),
        (59.94, "seconds", "59.9 秒", "59.9 s"),
        (125, "seconds", "2 分 5 秒", "2 min 5 s"),
        (90_000, "seconds", "25.0 小时", "25.0 h"),
        (Decimal("1234.50"), "yuan", "¥1,234.50", "¥1,234.50"),
        (3, "orders", "3", "3"),
        (12_345, "orders", "12,345", "12,345"),
        (0.875, "percentile", "87.5%", "87.5%"),
    ],
)
def test_figures_are_written_as_people_read_them(value, unit, zh, en):
    assert written(value, unit, Words("zh")) == zh
    assert written(value, unit, Words("en")) == en


def test_changes_have_a_sign_and_a_rate_changes_by_points():
    words = Words("en")
    assert written(0.0123, "rate", words, signed=True) == "+1.23 pp"
    assert written(-0.00001, "rate", words, signed=True) == "+0.00 pp"
    assert written(-130.0, "seconds", words, signed=True) == "-2 min 10 s"
    assert written(Decimal("-5.5"), "yuan", words, signed=True) == "-¥5.50"


# --- names that are no Markdown ---


VILE = "$9.9包邮$ ![x](http://127.0.0.1:9/x.png) `zz` *zz* ~~zz~~ :red[zz] <zz>\n# zz"
VILE_NAMES = (
    "update dim_malls set mall_name = $1",
    "update dim_agents set cs_name = $1, agent_role = $1",
    "update experience_score_30d set category_name = $1, peer_scope = 'category'",
    "update dim_problems set name_zh = $1, name_en = $1",
    "update dim_mall_groups set mall_id = $1 where is_unknown_member",
)


@pytest.fixture(scope="module")
def vile(file, tmp_path_factory) -> Path:
    """A file in which whoever names malls and agents wrote Markdown."""
    literal = VILE.replace("'", "''")
    return copy_of(
        file,
        tmp_path_factory.mktemp("vile") / "kefu.duckdb",
        *(statement.replace("$1", f"'{literal}'") for statement in VILE_NAMES),
    )


def shown_by(markdown: str) -> str:
    """Return a text without what keeps its signs from being Markdown."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown)


@pytest.mark.parametrize(
    ("name", "chosen"),
    [
        *((name, {}) for name in PAGES if name != "quality"),
        *((name, {"one": True}) for name in ("load", "after_sale", "official")),
    ],
)
def test_names_are_shown_as_they_are_and_are_no_markdown(
    vile, monkeypatch, scored, name, chosen
):
    monkeypatch.setenv("KEFU_PUBLISHED", str(vile))
    kept = {"mall_id": scored[0]["mall_id"]} if chosen else {}
    page = page_of(name, "en", **kept)
    assert not page.exception
    if chosen:
        (box,) = [box for box in page.sidebar.selectbox if box.key == "mall-any"]
        box.select(scored[0]["mall_id"]).run()
        assert not page.exception
    text = told(page)
    on_one_line = " ".join(VILE.split())
    left = re.sub(r"\\[!-/:-@\[-`{-~]", "", text)
    for sign in ("$9", "![", "[x", "`zz", "*zz", "~zz", ":red", "<zz", "\n# zz"):
        assert sign not in left, sign
    if name not in {"load", "after_sale", "official"} or chosen:
        assert on_one_line in shown_by(text)
    # What is chosen from, and tables, take names as they are.
    options = [option for box in page.selectbox for option in box.options]
    if page.sidebar.selectbox:
        assert any(VILE in option for option in options)
    for table in tables_with(page, "mall"):
        assert table["mall"].str.contains(VILE, regex=False).all()


# --- tables to take along ---


TAKEN = pl.DataFrame(
    {"who": ["=1+1", "云上数码"], "rate": [0.5, None], "sum": [Decimal("1.50")] * 2}
)
COLUMNS = {
    "who": Column("店铺"),
    "rate": Column("求助率", "rate"),
    "sum": Column("销售额", "yuan"),
}


def test_csv_opens_in_a_spreadsheet_and_runs_nothing():
    data = figures.as_csv(TAKEN, COLUMNS, Words("zh"))
    assert data.startswith(b"\xef\xbb\xbf")
    lines = data.decode("utf-8-sig").splitlines()
    assert lines == ["店铺,求助率,销售额 (元)", "'=1+1,0.5,1.50", "云上数码,,1.50"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_csv_leaves_the_figures_that_we_write_as_they_are(language):
    words = Words(language)
    with (ROOT / "seeds/metrics.csv").open(encoding="utf-8") as seed:
        units = sorted({row["unit"] for row in csv.DictReader(seed)})
    figures_of = [
        written(value, unit, words, signed=signed)
        for unit in units
        for value in (-22_345.678, -150.5, -0.0222, 0.0222, 150.5, 22_345.678, None)
        for signed in (False, True)
    ]
    assert len(units) > 10 and "--" in figures_of
    frame = pl.DataFrame({"gap": figures_of})
    data = figures.as_csv(frame, {"gap": Column("gap")}, words).decode("utf-8-sig")
    assert [row["gap"] for row in csv.DictReader(io.StringIO(data))] == figures_of


@pytest.mark.parametrize(
    "name",
    [
        *("=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "-A1"),
        *("＝1+1", "＋1+1", "－1+1", "＠SUM(A1)", "--A1", "-1 pp\n=1", "+1 s+A1"),
        "-1%+cmd|' /C calc'!A0",
    ],
)
def test_csv_guards_what_a_spreadsheet_would_compute(name):
    frame = pl.DataFrame({"who": [name]})
    data = figures.as_csv(frame, {"who": Column("who")}, Words("zh"))
    reader = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    assert list(reader)[1] == ["'" + name]


NAMES = frozenset({"询单人数", "Inquiring buyers", "Refunds (all)"})


@pytest.mark.parametrize(
    "parts",
    [
        "--",
        "-- (Inquiring buyers)",
        "-- (询单人数) ÷ 3 (询单人数)",
        "-- (Inquiring buyers) ÷ -- (Refunds (all))",
        "-¥1,234.50 (Refunds (all)) ÷ 12 (Inquiring buyers)",
    ],
)
def test_csv_leaves_our_own_marks_of_too_little_alone(parts):
    frame = pl.DataFrame({"parts": [parts]})
    data = figures.as_csv(frame, {"parts": Column("p")}, Words("en"), NAMES)
    reader = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    assert list(reader)[1] == [parts]


@pytest.mark.parametrize(
    "name",
    [
        *("-- (A1)", "-- (1+cmd|' /C calc'!A0)", "-- (Inquiring buyers)+cmd"),
        *(
            "-- (Inquiring buyers) ÷ =1+1",
            "-- (询单人数) ÷ 3 (A1)",
            "-- Inquiring buyers",
        ),
        *("-1+cmd", "=1", "@SUM(A1)", "+1+1", "\t-- (询单人数)", "＝1+1", "---", "--1"),
        *("-- (询单人数)\n=1", "--\n", "-- (询单人数) ÷ 3 (询单人数)\n"),
    ],
)
def test_csv_guards_what_only_looks_like_our_marks(name):
    frame = pl.DataFrame({"who": [name]})
    data = figures.as_csv(frame, {"who": Column("who")}, Words("zh"), NAMES)
    reader = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    assert list(reader)[1] == ["'" + name]


def test_the_parts_of_a_figure_are_taken_along_as_they_are_shown(
    shown, as_of, monkeypatch
):
    """By the way that a page's button takes: with the names of its metrics."""
    made = {}
    monkeypatch.setattr(
        figures.st,
        "download_button",
        lambda label, data, key, **_: made.update({key: data}),
    )
    words = Words("en")
    context = Context(current(shown), words, as_of)
    metric = context.metrics["reply_rate_30s"]
    parts = figures.parts_of(metric, {"assessed_messages": 3}, context)
    assert parts.startswith("-- (")
    frame = pl.DataFrame({"parts": [parts, "-- (A1)"]})
    figures.download(context, frame, {"parts": Column("p")}, key="x")
    assert made["csv-x"]().decode("utf-8-sig").splitlines() == [
        *("p", parts, "'-- (A1)")
    ]


def test_xlsx_holds_the_same_figures_as_numbers():
    data = figures.as_xlsx(TAKEN, COLUMNS, Words("zh"))
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    rows = book.get_sheet_by_index(0).to_python()
    assert rows == [
        ["店铺", "求助率", "销售额 (元)"],
        ["=1+1", 0.5, 1.5],
        ["云上数码", "", 1.5],
    ]


def test_every_table_of_every_page_can_be_taken_along(shown, monkeypatch):
    taken = []
    monkeypatch.setattr(
        figures,
        "download",
        lambda context, frame, columns, key: taken.append(
            (
                key,
                figures.as_csv(frame, columns, context.words),
                figures.as_xlsx(frame, columns, context.words),
            )
        ),
    )
    for name in PAGES:
        before, page = len(taken), page_of(name, "zh")
        assert not page.exception
        assert len(taken) - before == len(page.dataframe)
    for key, text, xlsx in taken:
        rows = CalamineWorkbook.from_filelike(io.BytesIO(xlsx)).get_sheet_by_index(0)
        header = text.decode("utf-8-sig").splitlines()[0]
        assert header.count(",") + 1 == len(rows.to_python()[0]), key


# --- files that are not what they should be ---


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_a_file_the_page_says_kefu_run(tmp_path, monkeypatch, language):
    monkeypatch.setenv("KEFU_PUBLISHED", str(tmp_path / "none.duckdb"))
    page = page_of("overview", language)
    assert not page.exception
    (error,) = page.error
    assert "kefu run" in error.value


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("content", ["no database", "another", "older"])
def test_a_file_that_is_none_of_ours_is_said(
    tmp_path, monkeypatch, file, language, content
):
    other = tmp_path / "other.duckdb"
    if content == "no database":
        other.write_bytes(b"not a database at all" * 1000)
    elif content == "older":
        copy_of(file, other, "drop table dim_score_tiers")
    else:
        copy_of(file, other, "drop table meta.publication")
    monkeypatch.setenv("KEFU_PUBLISHED", str(other))
    page = page_of("mall", language)
    assert not page.exception
    (error,) = page.error
    assert "kefu run" in error.value


@pytest.mark.parametrize("language", LANGUAGES)
def test_empty_tables_are_said_on_every_page(file, tmp_path, monkeypatch, language):
    tables = asked(
        file,
        "select table_name from duckdb_tables()"
        " where schema_name = 'marts' and table_name not like 'dim_%'"
        " and database_name = current_database()",
    )["table_name"]
    empty = copy_of(
        file,
        tmp_path / "empty.duckdb",
        *(f"delete from {table}" for table in tables),
        "delete from dim_malls",
        "delete from dim_agents",
        "delete from dim_mall_groups",
    )
    monkeypatch.setenv("KEFU_PUBLISHED", str(empty))
    for name in PAGES:
        page = page_of(name, language)
        assert not page.exception, name
        assert not page.error, name
        assert page.info, name


@pytest.mark.parametrize("third", range(3))
def test_some_empty_tables_spoil_no_page(file, tmp_path, monkeypatch, third):
    """A third of the tables that pages read are empty, the others are not."""
    read = set()
    for source in (HOME / "sql").glob("*.sql"):
        read |= set(re.findall(r"(?:from|join) ([a-z_0-9]+)", query(source.stem)))
    marts = asked(
        file,
        "select table_name from duckdb_tables() where schema_name = 'marts'"
        " and database_name = current_database() and table_name != 'dim_metrics'",
    )["table_name"]
    used = sorted(read & set(marts))
    assert len(used) > 15
    spoilt = copy_of(
        file,
        tmp_path / "spoilt.duckdb",
        *(f"delete from {table}" for table in used[third::3]),
    )
    monkeypatch.setenv("KEFU_PUBLISHED", str(spoilt))
    for name in PAGES:
        assert not page_of(name, "en").exception, name


def test_a_new_publication_is_followed_and_the_old_one_let_go(
    file, tmp_path, monkeypatch
):
    place = copy_of(file, tmp_path / "kefu.duckdb")
    monkeypatch.setenv("KEFU_PUBLISHED", str(place))
    first = page_of("quality", "en")
    reader = current(place)
    assert "newer-run" not in told(first) + first.sidebar.caption[0].value
    new = copy_of(
        file,
        tmp_path / "new.duckdb",
        "update meta.publication set run_id = 'newer-run'",
        "update data_quality_balance set rows_landed = 7, rows_current = 7,"
        " rows_superseded = 0, rows_rejected = 0",
    )
    put_in_place(new, place)
    first.run()
    assert "newer-run" in first.sidebar.caption[0].value
    (balance,) = tables_with(first, "rows_landed")
    loads = asked(place, "select count(*) as loads from data_quality_balance")
    assert balance["rows_landed"].sum() == 7 * loads["loads"][0]
    # Who still reads the old one reads it whole.
    assert reader.ask("publication")["run_id"][0] != "newer-run"
    assert current(place) is not reader
    assert current(place) is current(place)


def test_a_file_that_goes_and_comes_back_is_followed(file, tmp_path, monkeypatch):
    place = copy_of(file, tmp_path / "kefu.duckdb")
    monkeypatch.setenv("KEFU_PUBLISHED", str(place))
    assert not page_of("load", "en").error
    place.unlink()
    assert page_of("load", "en").error
    put_in_place(copy_of(file, tmp_path / "again.duckdb"), place)
    assert not page_of("load", "en").error


def test_an_answer_is_remembered_for_its_file_alone(file, tmp_path):
    data = Published(copy_of(file, tmp_path / "kefu.duckdb"))
    assert data.ask("tiers") is data.ask("tiers")
    other = Published(
        copy_of(file, tmp_path / "other.duckdb", "delete from dim_score_tiers")
    )
    assert other.ask("tiers").is_empty()
    assert not data.ask("tiers").is_empty()


def test_a_query_that_does_not_fit_the_file_is_said(file, tmp_path):
    data = Published(
        copy_of(
            file,
            tmp_path / "kefu.duckdb",
            "alter table mall_kpi_30d drop column refund_rate",
        )
    )
    with pytest.raises(UnreadableFileError, match="kefu run"):
        data.ask("disputes_by_mall", as_of=date(2026, 1, 1))


# --- the command ---


def test_a_taken_port_is_said_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("KEFU_PUBLISHED", str(tmp_path / "none.duckdb"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = CliRunner().invoke(main, ["dashboard", "--port", str(port)])
    assert done.exit_code == 2
    assert f"127.0.0.1:{port} cannot be listened on" in done.output
    assert done.output.count("\n") == 1


def test_a_host_that_is_none_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("KEFU_PUBLISHED", str(tmp_path / "none.duckdb"))
    done = CliRunner().invoke(main, ["dashboard", "--host", "192.0.2.7"])
    assert done.exit_code == 2
    assert "192.0.2.7" in done.output


def test_the_server_is_told_all_that_matters(tmp_path, monkeypatch):
    monkeypatch.setenv("KEFU_PUBLISHED", str(tmp_path / "none.duckdb"))
    served = SimpleNamespace(settings=None)
    monkeypatch.setattr(
        dashboard_command,
        "serve",
        lambda settings: setattr(served, "settings", settings),
    )
    done = CliRunner().invoke(
        main, ["dashboard", "--no-browser", "--base-path", "/kefu/"]
    )
    assert done.exit_code == 0
    assert "kefu run" in done.output
    assert "http://127.0.0.1:8501/kefu/" in done.output
    settings = served.settings
    assert settings["server.address"] == "127.0.0.1"
    assert settings["browser.gatherUsageStats"] is False
    assert settings["server.fileWatcherType"] == "none"
    assert settings["client.toolbarMode"] == "minimal"
    assert settings["server.enableXsrfProtection"] is True
    known = config.get_config_options()
    assert settings.keys() <= known.keys()


def test_a_proxys_name_is_passed_on_and_no_service_asked_for_ours(monkeypatch):
    settings = dashboard_command.options(8501, "127.0.0.1", "reports.example.com", "")
    assert settings["browser.serverAddress"] == "reports.example.com"
    monkeypatch.setattr(bootstrap, "load_config_options", lambda flags: None)
    monkeypatch.setattr(bootstrap, "run", lambda *_: None)
    monkeypatch.setattr(net_util, "get_external_ip", lambda: "192.0.2.1")
    dashboard_command.serve(settings)
    assert net_util.get_external_ip() is None


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["mall", "team", "agent", "after_sale"])
def test_a_mall_that_went_silent_says_when_it_last_had_figures(
    file, as_of, scored, tmp_path, monkeypatch, name, language
):
    mall_id = scored[0]["mall_id"]
    last = as_of - timedelta(days=3)
    shortened = copy_of(
        file,
        tmp_path / "kefu.duckdb",
        *(
            f"delete from {table} where mall_id = '{mall_id}' and as_of_date > '{last}'"
            for table in ("mall_kpi_30d", "agent_kpi_30d", "experience_score_30d")
        ),
    )
    monkeypatch.setenv("KEFU_PUBLISHED", str(shortened))
    words = Words(language)
    page = page_of(name, language, mall_id=mall_id)
    assert words("state.last_day", day=last) in told(page)
    page = page_of(name, language, mall_id=mall_id, as_of=last)
    assert words("state.last_day", day=last) not in told(page)
