"""Closed periods: frozen for good, and every later difference has its cause."""

import csv
import dataclasses
import datetime as dt
import io
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from pathlib import Path

import duckdb
import pytest
import yaml
from compiled_project import compiled_project
from conftest import ROOT, Kefu, land, raw_rows, settings_of, text_row
from test_agreement import LOTS

from kefu import demo_data
from kefu.closing.close import Decision, close, days_of
from kefu.closing.report import lines
from kefu.closing.store import INPUT_DAYS, Closings
from kefu.closing.tables import (
    CLOSED_TABLES,
    COLUMN_FAMILIES,
    KEPT_EVERYWHERE,
    family_of,
    reach,
)
from kefu.errors import EXIT_PUBLISH, KefuError
from kefu.privacy_key import check_value
from kefu.privacy_landings import RECORD, removals
from kefu.privacy_requests import (
    Buyer,
    find_buyer,
    find_file,
    find_rows,
    forget,
    retract_file,
    retract_rows,
)
from kefu.publish import Request, publish
from kefu.run_record import (
    RunRecord,
    hash_of_figures,
    now,
    project_vars,
    versions_in_use,
)
from kefu.settings import Settings
from kefu.versions import Versions

KEY = "a secret of the tests"
TESTS = {"passed": 3, "warned": 0, "failed": 0, "skipped": 0}
AUDIT = {"passed": True, "checks": []}

# Two malls, their agents on two days of October and one of November.
BUILT = """
create schema marts;
create schema intermediate;
create schema staging;
create table marts.agent_kpi_daily (
    mall_id varchar,
    cs_uid varchar,
    service_date date,
    is_conversion_final boolean,
    is_response_final boolean,
    unanswered_messages bigint,
    rating_count bigint,
    avg_rating double,
    sales_amount decimal(18, 2)
);
insert into marts.agent_kpi_daily values
    ('m1', 'a', '2026-10-01', true, true, 2, 1, 5.0, 10.50),
    ('m1', 'b', '2026-10-31', true, true, 0, 0, null, 0.00),
    ('m2', 'c', '2026-10-31', true, true, 0, 2, 4.5, 7.25),
    ('m1', 'a', '2026-11-01', true, true, 9, 9, 1.0, 99.00);
create table marts.experience_score_30d (
    mall_id varchar, as_of_date date, experience_score double
);
insert into marts.experience_score_30d values
    ('m1', '2026-10-31', 2.5), ('m2', '2026-10-31', 3.5);
create table marts.fct_consultations (mall_id varchar, buyer_key varchar);
create table intermediate.int_as_of_end as
    select date '2026-11-05' as as_of_end;
create table staging.stg_pdd__loads as
    select
        'messages' as source,
        date '2026-11-05' as load_date,
        timestamp '2026-11-05 20:00:00' as newest_accepted_loaded_at,
        3 as rows_landed,
        3 as rows_accepted;
create table staging.stg_pdd__messages (
    mall_id varchar, msg_id varchar, buyer_uid varchar,
    sent_at timestamp, loaded_at timestamp, load_date date
);
insert into staging.stg_pdd__messages values
    ('m1', '1', 'u1', '2026-10-01 09:00', '2026-10-02 20:00', '2026-10-02'),
    ('m1', '2', 'u2', '2026-10-31 09:00', '2026-11-01 20:00', '2026-11-01'),
    ('m2', '3', 'u1', '2026-10-31 09:00', '2026-11-01 20:00', '2026-11-01');
create table staging.stg_pdd__ratings (
    mall_id varchar, rating_id varchar, score integer,
    created_at timestamp, loaded_at timestamp, load_date date
);
create table staging.stg_pdd__agents (
    mall_id varchar, cs_uid varchar, valid_from date, valid_to date,
    loaded_at timestamp, load_date date
);
insert into staging.stg_pdd__agents values
    ('m1', 'a', '2026-01-01', null, '2026-10-02 20:00', '2026-10-02');
"""
LATE = "'2026-11-07 20:00', '2026-11-07'"
LATE_MESSAGE = (
    "insert into staging.stg_pdd__messages values"
    f" ('m1', 'late', 'u9', '2026-10-01 10:00', {LATE});"
)
MORE_UNANSWERED = (
    "update marts.agent_kpi_daily set unanswered_messages = 3"
    " where cs_uid = 'a' and service_date = '2026-10-01';"
)


class Closed:
    """A working database, the versions published from it, and their closings."""

    def __init__(self, world: Kefu) -> None:
        self.world = world

    @property
    def published(self) -> Path:
        return self.world.published

    @property
    def settings(self) -> Settings:
        return Settings.from_env()

    def change(self, sql: str) -> None:
        with duckdb.connect(str(self.world.database)) as connection:
            connection.execute(sql)

    def publish(self, *, with_restricted: bool = False, **changed: object) -> dict:
        values = {
            "run_id": f"run-{len(Versions(self.published).read()[0]) + 1}",
            "versions": versions_in_use(),
            "project_hash": "the project",
            "figures_hash": "the figures",
            "seeds_hash": "the seeds",
            "vars": project_vars(ROOT),
            "tests": TESTS,
            "audit": AUDIT,
            "finished_at": now(),
            "buyer_key_check": check_value(self.settings.buyer_key),
        }
        record = RunRecord(**values | changed)
        return publish(
            Request(
                self.world.database,
                self.published,
                record,
                with_restricted=with_restricted,
            )
        )

    def close(self, period: str = "2026-10", **chosen: object) -> object:
        return close(self.settings, Decision(period, "the owner", **chosen))

    def ask(self, question: str) -> list[tuple]:
        with duckdb.connect(str(self.published), read_only=True) as connection:
            return connection.execute(question).fetchall()

    def restated(self) -> list[tuple]:
        return self.ask(
            "select table_name, mall_id, column_name, frozen_value, current_value,"
            " cause from closed.restatements order by all"
        )


def settle(world: Kefu, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have this process see what the world's own processes see."""
    for name, value in world.environment.items():
        if name.startswith("KEFU_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("KEFU_BUYER_KEY", KEY)


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Kefu]:
    """The small world, published once; and the same with its closing."""
    home = tmp_path_factory.mktemp("template")
    open_one = Closed(Kefu(home=home / "open"))
    closed_one = Closed(Kefu(home=home / "closed"))
    for folder in (open_one.world.database.parent, open_one.world.raw_root):
        folder.mkdir(parents=True)
    open_one.change(BUILT)
    with pytest.MonkeyPatch.context() as patch:
        settle(open_one.world, patch)
        open_one.publish()
        shutil.copytree(open_one.world.home, closed_one.world.home)
        settle(closed_one.world, patch)
        closed_one.close()
    return {"open": open_one.world, "closed": closed_one.world}


def copied(template: Kefu, home: Path, patch: pytest.MonkeyPatch) -> Iterator[Closed]:
    world = Closed(Kefu(home=shutil.copytree(template.home, home / "world")))
    settle(world.world, patch)
    yield world
    for folder in world.published.parent.glob("closed/*"):
        folder.chmod(0o755)


@pytest.fixture
def published_once(
    templates: dict[str, Kefu], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Closed]:
    """The small world, published and not closed yet."""
    yield from copied(templates["open"], tmp_path, monkeypatch)


@pytest.fixture
def closed(
    templates: dict[str, Kefu], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Closed]:
    """The small world, published, and October closed."""
    yield from copied(templates["closed"], tmp_path, monkeypatch)


def test_a_closing_freezes_the_published_rows(published_once: Closed) -> None:
    closed = published_once
    closed.change(MORE_UNANSWERED)
    closing = closed.close()
    folder = closed.published.parent / "closed" / "2026-10"
    frozen = duckdb.sql(f"from '{folder}/agent_kpi_daily.parquet' order by all")
    expected = closed.ask(
        "from marts.agent_kpi_daily where month(service_date) = 10 order by all"
    )
    # The working database, changed since, has 3 unanswered messages.
    assert frozen.fetchall() == expected
    assert [row[5] for row in expected] == [2, 0, 0]
    assert closing.tables["agent_kpi_daily"]["rows"] == 3
    assert set(closing.tables) == {
        "agent_kpi_daily",
        "experience_score_30d",
        INPUT_DAYS,
    }
    assert json.loads((folder / "manifest.json").read_text())["run_id"] == "run-1"
    assert closing.decided_by == "the owner" and closing.overrides == []
    for path in (folder, *folder.iterdir()):
        assert path.stat().st_mode & 0o222 == 0
    assert Closings(closed.published).altered(closing) == []


def cut_to(day: str) -> str:
    return f"update intermediate.int_as_of_end set as_of_end = {day};"


def spoil_the_version(closed: Closed) -> None:
    (version,) = Versions(closed.published).read()[0]
    version.file.chmod(0o644)
    with duckdb.connect(str(version.file)) as connection:
        connection.execute("update marts.agent_kpi_daily set unanswered_messages = 0")


def publish_with(sql: str, **record: object) -> Callable[[Closed], None]:
    def do(closed: Closed) -> None:
        closed.change(sql)
        closed.publish(**record)

    return do


REFUSED = {
    "no month": ("2026-13", None, {}, ["no month", "2026-10"]),
    "no month but SQL": ("2026-10'; drop", None, {}, ["no month"]),
    "nothing published": (
        "2026-10",
        lambda closed: closed.published.unlink(),
        {},
        ["no published file"],
    ),
    "not over": (
        "2026-10",
        publish_with(cut_to("date '2026-10-30'")),
        {"in_spite_of_not_final": True},
        ["not over", "2026-10-30"],
    ),
    "no day at all": ("2026-10", publish_with(cut_to("null")), {}, ["not over"]),
    "not final": (
        "2026-10",
        publish_with(cut_to("date '2026-11-04'")),
        {},
        ["not final", "2026-11-05", "data of 2026-11-06", "--not-final"],
    ),
    "a longer horizon": (
        "2026-10",
        publish_with("", vars=project_vars(ROOT) | {"reply_horizon_hours": 121}),
        {},
        ["not final", "end with 2026-11-06"],
    ),
    "a longer window": (
        "2026-10",
        publish_with("", vars=project_vars(ROOT) | {"conversion_window_days": 5}),
        {},
        ["not final", "end with 2026-11-07"],
    ),
    "a flag says so": (
        "2026-10",
        publish_with(
            "update marts.agent_kpi_daily set is_response_final = false"
            " where cs_uid = 'b'"
        ),
        {},
        ["not final"],
    ),
    "untested": ("2026-10", publish_with("", tests="not run"), {}, ["--untested"]),
    "unaudited": ("2026-10", publish_with("", audit="not run"), {}, ["--untested"]),
    "no rows": ("2026-09", None, {}, ["no row of 2026-09"]),
    "closed already": (
        "2026-10",
        lambda closed: closed.close(),
        {},
        ["closed by the owner", "--revise"],
    ),
    "nothing to revise": (
        "2026-10",
        None,
        {"revision_reason": "a slip"},
        ["not closed yet"],
    ),
    "a damaged version": ("2026-10", spoil_the_version, {}, ["damaged"]),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_not_closed(published_once: Closed, kind: str) -> None:
    closed = published_once
    period, prepare, chosen, told = REFUSED[kind]
    if prepare:
        prepare(closed)
    before = sorted(closed.published.parent.glob("closed/*"))
    with pytest.raises(KefuError) as refused:
        closed.close(period, **chosen)
    for text in told:
        assert text in str(refused.value)
    assert sorted(closed.published.parent.glob("closed/*")) == before
    assert not list(closed.published.parent.glob("closed/.*"))


def test_what_was_overridden_is_kept(published_once: Closed) -> None:
    closed = published_once
    publish_with(cut_to("date '2026-10-31'"), tests="not run")(closed)
    closing = closed.close(in_spite_of_not_final=True, in_spite_of_untested=True)
    assert closing.overrides == ["untested", "not_final"]
    closed.publish()
    assert closed.ask("select overrides from closed.periods") == [
        ("untested, not_final",)
    ]


def test_a_revision_leaves_the_first_closing_as_it_is(closed: Closed) -> None:
    folder = closed.published.parent / "closed"
    before = {path: path.read_bytes() for path in (folder / "2026-10").iterdir()}
    closed.change(LATE_MESSAGE + MORE_UNANSWERED)
    closed.publish()
    assert len(closed.restated()) == 1
    closing = closed.close(revision_reason="the feed had stopped")
    assert (closing.name, closing.revision) == ("2026-10.r2", 2)
    assert before == {
        path: path.read_bytes() for path in (folder / "2026-10").iterdir()
    }
    closed.publish(run_id="after")
    # The late message is in what is in force now, so nothing differs any more.
    assert closed.restated() == []
    assert closed.ask(
        "select revision, is_in_force, reason from closed.periods order by 1"
    ) == [(1, False, None), (2, True, "the feed had stopped")]
    assert closed.ask(
        "select revision, unanswered_messages from closed.agent_kpi_daily"
        " where cs_uid = 'a'"
    ) == [(2, 3)]


def test_the_restricted_file_has_no_words_of_anybody(closed: Closed) -> None:
    words = "Wang Fang was ill"
    closed.close(revision_reason=words)
    closed.publish(
        with_restricted=True,
        accepted=[{"check": "volume", "reason": words}],
        audit=AUDIT | {"checks": [{"name": "volume", "accepted_reason": words}]},
    )
    question = (
        "select decided_by, reason, manifest from closed.periods, meta.publication"
        " where is_in_force"
    )
    (told,) = closed.ask(question)
    assert told[:2] == ("the owner", words) and told[2].count(words) == 2
    restricted = Versions(closed.published).restricted
    with duckdb.connect(str(restricted), read_only=True) as connection:
        (told,) = connection.execute(question).fetchall()
    assert told[:2] == (None, None)
    assert words not in told[2] and '"check": "volume"' in told[2]


UNANSWERED = ("agent_kpi_daily", "m1", "unanswered_messages", "2", "3")
SCORE = ("experience_score_30d", "m1", "experience_score", "2.5", "2.25")
NEW_SCORE = (
    "update marts.experience_score_30d set experience_score = 2.25"
    " where mall_id = 'm1';"
)
DROPPED = "delete from staging.stg_pdd__messages where msg_id = '1';"


def whole_row(table: str, mall: str, now_there: bool, cause: str) -> tuple:
    sides = (None, "there") if now_there else ("there", None)
    return (table, mall, "(row)", *sides, cause)


RESTATED = {
    "nothing": ("", {}, []),
    "a day of another month": (
        "update marts.agent_kpi_daily set rating_count = 1"
        " where service_date = '2026-11-01'",
        {},
        [],
    ),
    "a late row": (
        LATE_MESSAGE + MORE_UNANSWERED,
        {},
        [(*UNANSWERED, "late_rows")],
    ),
    "a late row under an old load date": (
        LATE_MESSAGE.replace(LATE, "'2026-10-02 20:00', '2026-10-02'")
        + MORE_UNANSWERED,
        {},
        [(*UNANSWERED, "late_rows")],
    ),
    "a reply within the horizon": (
        LATE_MESSAGE.replace("2026-10-01 10", "2026-10-02 10") + MORE_UNANSWERED,
        {},
        [(*UNANSWERED, "late_rows")],
    ),
    "a message beyond the horizon": (
        LATE_MESSAGE.replace("2026-10-01 10", "2026-10-03 10") + MORE_UNANSWERED,
        {},
        [(*UNANSWERED, "unexplained")],
    ),
    "a message of another mall": (
        LATE_MESSAGE.replace("'m1'", "'m2'") + MORE_UNANSWERED,
        {},
        [(*UNANSWERED, "unexplained")],
    ),
    "a message that no rating depends on": (
        LATE_MESSAGE
        + "update marts.agent_kpi_daily set rating_count = 2"
        + " where cs_uid = 'a' and service_date = '2026-10-01'",
        {},
        [("agent_kpi_daily", "m1", "rating_count", "1", "2", "unexplained")],
    ),
    "a message changed in place": (
        "update staging.stg_pdd__messages set buyer_uid = 'u3' where msg_id = '1';"
        + MORE_UNANSWERED,
        {},
        [(*UNANSWERED, "late_rows")],
    ),
    "nobody knows why": (MORE_UNANSWERED, {}, [(*UNANSWERED, "unexplained")]),
    "rows gone without a record": (
        DROPPED + MORE_UNANSWERED,
        {},
        [(*UNANSWERED, "rows_gone")],
    ),
    "a roster": (
        "update staging.stg_pdd__agents set valid_to = '2026-10-05';" + MORE_UNANSWERED,
        {},
        [(*UNANSWERED, "roster_changed")],
    ),
    "null becomes a value": (
        "update marts.agent_kpi_daily set avg_rating = 4 where cs_uid = 'b';"
        "insert into staging.stg_pdd__ratings values"
        f" ('m1', 'r', 4, '2026-10-31 10:00', {LATE})",
        {},
        [("agent_kpi_daily", "m1", "avg_rating", None, "4.0", "late_rows")],
    ),
    "a value becomes null": (
        "update marts.agent_kpi_daily set avg_rating = null where cs_uid = 'c'",
        {},
        [("agent_kpi_daily", "m2", "avg_rating", "4.5", None, "unexplained")],
    ),
    "a row vanishes": (
        "delete from marts.agent_kpi_daily where cs_uid = 'c';"
        "delete from staging.stg_pdd__messages where mall_id = 'm2'",
        {},
        [
            whole_row("agent_kpi_daily", "m2", False, "rows_gone"),
            ("agent_kpi_daily", "m2", "avg_rating", "4.5", None, "rows_gone"),
            ("agent_kpi_daily", "m2", "is_conversion_final", "true", None, "rows_gone"),
            ("agent_kpi_daily", "m2", "is_response_final", "true", None, "rows_gone"),
            ("agent_kpi_daily", "m2", "rating_count", "2", None, "rows_gone"),
            ("agent_kpi_daily", "m2", "sales_amount", "7.25", None, "rows_gone"),
        ],
    ),
    "a row appears": (
        "insert into marts.agent_kpi_daily values"
        " ('m1', 'd', '2026-10-01', false, false, 1, 0, null, 0);" + LATE_MESSAGE,
        {},
        [
            whole_row("agent_kpi_daily", "m1", True, "late_rows"),
            ("agent_kpi_daily", "m1", "unanswered_messages", None, "1", "late_rows"),
        ],
    ),
    "a cent": (
        "update marts.agent_kpi_daily set sales_amount = 10.51 where cs_uid = 'a'",
        {},
        [("agent_kpi_daily", "m1", "sales_amount", "10.50", "10.51", "unexplained")],
    ),
    "the last digit of a mean": (
        "update marts.experience_score_30d set experience_score = 2.5000000000000004"
        " where mall_id = 'm1'",
        {},
        [],
    ),
    "peers": (
        LATE_MESSAGE.replace("'m1'", "'m2'") + NEW_SCORE,
        {},
        [(*SCORE, "peers_changed")],
    ),
    "settings": (
        MORE_UNANSWERED,
        {"vars": project_vars(ROOT) | {"response_unit": "round"}},
        [(*UNANSWERED, "settings_changed")],
    ),
    "by rounds an old message reaches far": (
        LATE_MESSAGE.replace("2026-10-01 10", "2026-09-01 10") + MORE_UNANSWERED,
        {"vars": project_vars(ROOT) | {"response_unit": "round"}},
        [(*UNANSWERED, "late_rows+settings_changed")],
    ),
    "seeds": (
        MORE_UNANSWERED,
        {"seeds_hash": "others"},
        [(*UNANSWERED, "seeds_changed")],
    ),
    "code": (
        LATE_MESSAGE + MORE_UNANSWERED,
        {"figures_hash": "another"},
        [(*UNANSWERED, "late_rows+code_changed")],
    ),
    "nothing but code": (
        MORE_UNANSWERED,
        {"figures_hash": "another"},
        [(*UNANSWERED, "code_changed")],
    ),
    "a project of other texts": (
        MORE_UNANSWERED,
        {"project_hash": "another"},
        [(*UNANSWERED, "unexplained")],
    ),
    "a project of an older release": (
        MORE_UNANSWERED,
        {"project_hash": "another", "figures_hash": None},
        [(*UNANSWERED, "code_changed")],
    ),
    "libraries": (
        MORE_UNANSWERED,
        {"versions": versions_in_use() | {"duckdb": "9.9"}},
        [(*UNANSWERED, "code_changed")],
    ),
    "a column is gone": (
        "alter table marts.agent_kpi_daily drop column avg_rating;" + MORE_UNANSWERED,
        {},
        [(*UNANSWERED, "columns_changed")],
    ),
}


@pytest.mark.parametrize("kind", RESTATED)
def test_what_is_restated_and_why(closed: Closed, kind: str) -> None:
    sql, record, expected = RESTATED[kind]
    closed.change(sql)
    told = closed.publish(**record)["closed 2026-10"]
    assert closed.restated() == sorted(expected, key=str)
    accounted = {"late_rows", "roster_changed", "peers_changed"}
    to_look_at = [row for row in expected if not accounted & set(row[-1].split("+"))]
    flag = f", {len(to_look_at)} of them TO BE LOOKED AT"
    assert (flag in told) == ("LOOKED AT" in told) == bool(to_look_at)
    assert ("nothing changed" in told) == (not expected)


ORDERS = """
create table staging.stg_pdd__orders (
    mall_id varchar, order_sn varchar, created_at timestamp, confirmed_at timestamp,
    received_at timestamp, loaded_at timestamp, load_date date
);
insert into staging.stg_pdd__orders
select 'm1', i::varchar, day, day, day, '2026-11-05 20:00', '2026-11-05'
from (select i, timestamp '2026-10-01 10:00' as day from range(2) as numbers (i));
"""
A_CENT_LESS = (
    "update marts.agent_kpi_daily set sales_amount = 10.49 where cs_uid = 'a';"
)
NEW_ORDERS = f"""
insert into staging.stg_pdd__orders
select 'm1', 'n' || i, '2026-11-06 10:00', '2026-11-06 10:00', null, {LATE}
from range(5) as numbers (i);
"""


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ("delete from staging.stg_pdd__orders where order_sn = '0'", "rows_gone"),
        (
            "update staging.stg_pdd__orders set received_at = '2026-10-09 10:00'"
            " where order_sn = '0'",
            "late_rows",
        ),
    ],
)
def test_what_comes_for_later_days_makes_up_for_no_lost_order(
    published_once: Closed, change: str, cause: str
) -> None:
    closed = published_once
    publish_with(ORDERS)(closed)
    closed.close()
    publish_with(f"{change};" + NEW_ORDERS + A_CENT_LESS)(closed)
    assert {row[2:] for row in closed.restated()} == {
        ("sales_amount", "10.50", "10.49", cause)
    }


def test_what_computes_no_figure_is_no_changed_code(tmp_path: Path) -> None:
    names = {
        "models/a.sql": True,
        "macros/b.sql": True,
        "dbt_project.yml": True,
        "models/staging/pdd/_pdd__sources.yml": True,
        "models/a.yml": False,
        "models/docs/a.md": False,
        "audit.yml": False,
        "tests/a.sql": False,
        "kefu/audit/a.py": False,
    }
    before = hash_of_figures(tmp_path)
    for name, counts in names.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("changed")
        after = hash_of_figures(tmp_path)
        assert (after != before) == counts, name
        before = after


ALSO_DROPPED = "delete from staging.stg_pdd__messages where msg_id = '2';"


@pytest.mark.parametrize(
    ("recorded", "dropped", "cause"),
    [
        ({"kind": "buyer", "mall_id": "m1"}, DROPPED, "buyer_removed"),
        ({"kind": "buyer", "mall_id": None}, DROPPED, "buyer_removed"),
        ({"kind": "row", "mall_id": None}, DROPPED, "rows_retracted"),
        ({"kind": "buyer", "mall_id": "m2"}, DROPPED, "rows_gone"),
        # One was taken out, so the other one was lost.
        ({"kind": "row"}, DROPPED + ALSO_DROPPED, "rows_gone+rows_retracted"),
        ({"kind": "row", "rows": 2}, DROPPED + ALSO_DROPPED, "rows_retracted"),
        ({"kind": "row", "rows": None}, DROPPED, "rows_gone+rows_retracted"),
        # It had been taken out before: it is none of those gone now.
        ({"kind": "buyer", "is_set_aside": True}, DROPPED, "rows_gone"),
    ],
)
def test_a_removal_is_the_cause_of_as_many_rows_as_are_recorded(
    closed: Closed, recorded: dict, dropped: str, cause: str
) -> None:
    closed.change(dropped + MORE_UNANSWERED)
    entry = {"at": now(), "table": "messages", "mall_id": "m1", "rows": 1} | recorded
    record = closed.world.raw_root / RECORD
    record.write_text(json.dumps(entry) + "\nhalf a li", encoding="utf-8")
    closed.publish()
    assert closed.restated() == [(*UNANSWERED, cause)]


def test_what_is_taken_out_is_recorded_by_mall(closed: Closed) -> None:
    """The record of a removal, as the restatements read it."""
    root = closed.world.raw_root
    for table in ("messages", "orders"):
        land(root, table, [])
    rows = [
        text_row("messages", mall_id=mall, msg_id=number, buyer_uid="u1")
        for number, mall in enumerate((" m1", "m2", "m2", None))
    ]
    for name in ("file.csv", "rows.jsonl", "buyer.parquet"):
        land(root, "messages", rows, name)
    settings = closed.settings
    alone = find_file(settings, "messages", "messages/load_date=2026-03-02/file.csv")
    retract_file(settings, alone, "a slip")
    retract_rows(
        settings,
        find_rows(settings, "messages", {"mall_id": "m2", "msg_id": "1"})[:1],
        "a slip",
    )
    buyer = Buyer("m1", "u1", in_every_mall=True)
    forget(settings, buyer, find_buyer(settings, buyer))
    counted: Counter = Counter()
    for entry in removals(root):
        assert entry["table"] == "messages"
        if not entry.get("is_set_aside"):
            counted[entry["kind"], entry["mall_id"]] += entry["rows"]
            shown = buyer.keys(KEY, filter(None, [entry["mall_id"]]))
            assert entry.get("buyer_keys", shown) == shown
    assert counted == {
        ("file", "m1"): 1,
        ("file", "m2"): 2,
        ("file", None): 1,
        ("row", "m2"): 1,
        ("buyer", "m1"): 2,
        ("buyer", "m2"): 3,
        ("buyer", None): 2,
    }


GONE = {
    "a column": (
        "alter table marts.agent_kpi_daily drop column avg_rating",
        "agent_kpi_daily.avg_rating",
    ),
    "a table": ("drop table marts.experience_score_30d", "experience_score_30d"),
    "a key": (
        "alter table marts.agent_kpi_daily rename cs_uid to agent",
        "agent_kpi_daily",
    ),
}


@pytest.mark.parametrize("kind", GONE)
def test_what_is_published_no_more_is_not_called_unchanged(
    closed: Closed, kind: str
) -> None:
    change, name = GONE[kind]
    closed.change(change)
    told = closed.publish()["closed 2026-10"]
    assert closed.restated() == []
    assert told.endswith(f"NOT COMPARED, published no more: {name}")
    assert closed.ask("select not_compared from closed.periods") == [(name,)]
    shown = "\n".join(lines(closed.published, "2026-10", 1))
    assert f"! 2026-10 not compared, published no more: {name}" in shown


LACKING = """
create table marts.data_completeness (
    mall_id varchar, source varchar, date_day date, status varchar
);
insert into marts.data_completeness values
    ('m1', 'messages', '2026-09-30', 'complete'),
    ('m2', 'orders', '2026-10-01', 'complete'),
    ('m2', 'orders', '2026-10-08', 'not_judged'),
    ('m2', 'orders', '2026-10-09', 'low'),
    ('m1', 'messages', '2026-10-09', 'missing'),
    ('m1', 'messages', '2026-10-10', 'complete'),
    ('m1', 'messages', '2026-11-01', 'missing');
"""


def test_a_month_that_lacks_rows_needs_a_word(published_once: Closed) -> None:
    closed = published_once
    publish_with(LACKING)(closed)
    with pytest.raises(KefuError) as refused:
        closed.close()
    assert (
        "on 2 days of a mall and source, such as messages of mall m1 on 2026-10-09"
        in (str(refused.value))
    )
    assert "--incomplete" in str(refused.value)
    done = closed.world("close", "2026-10", "--incomplete")
    assert done.returncode == 0, done.stderr
    assert "in spite of: incomplete" in done.stdout
    (closing,) = Closings(closed.published).read()
    assert (closing.incomplete_days, closing.overrides) == (2, ["incomplete"])
    assert (closing.unjudged_days, closing.days_of_data) == (1, 5)
    assert "1 of 5 days of a mall and source could not be judged" in done.stdout
    assert "the next `kefu run` compares it" in done.stdout


BEGUN_LATE = """
create table marts.data_completeness (
    mall_id varchar, source varchar, date_day date, status varchar
);
insert into marts.data_completeness values
    ('m1', 'messages', '2026-09-30', 'not_judged'),
    ('m1', 'ratings', '2026-10-20', 'not_judged'),
    ('m1', 'orders', '2026-10-14', 'not_judged'),
    ('m2', 'orders', '2026-10-15', 'not_judged');
"""


def test_a_month_that_the_data_do_not_reach_back_to_needs_a_word(
    published_once: Closed,
) -> None:
    closed = published_once
    publish_with(BEGUN_LATE)(closed)
    with pytest.raises(KefuError, match="the data begin with 2026-10-14") as refused:
        closed.close()
    assert "--incomplete" in str(refused.value)
    closing = closed.close(in_spite_of_incomplete=True)
    assert (closing.data_begin, closing.overrides) == ("2026-10-14", ["incomplete"])
    assert (closing.unjudged_days, closing.days_of_data) == (3, 3)


def test_detail_counts_the_rows_that_came_late(closed: Closed) -> None:
    closed.change(LATE_MESSAGE + MORE_UNANSWERED)
    closed.publish()
    assert closed.ask(
        "select cs_uid, day::varchar, row_key, difference, detail"
        " from closed.restatements"
    ) == [
        (
            "a",
            "2026-10-01",
            "mall_id=m1, cs_uid=a, service_date=2026-10-01",
            1.0,
            "messages: 1 row loaded since the closing, 1 more than then of 2026-10-01",
        )
    ]


def test_a_period_closed_too_early_becomes_final(published_once: Closed) -> None:
    closed = published_once
    closed.change(
        cut_to("date '2026-10-31'")
        + "update marts.agent_kpi_daily set is_response_final = false"
        " where cs_uid = 'b'"
    )
    closed.publish()
    closed.close(in_spite_of_not_final=True)
    closed.change(
        cut_to("date '2026-11-05'")
        + "update marts.agent_kpi_daily set is_response_final = true"
    )
    closed.publish()
    assert closed.restated() == [
        ("agent_kpi_daily", "m1", "is_response_final", "false", "true", "became_final")
    ]


def test_days_after_the_end_are_cut_off(closed: Closed) -> None:
    closed.change(
        cut_to("date '2026-10-30'")
        + "delete from marts.experience_score_30d where mall_id = 'm1'"
    )
    closed.publish()
    assert {row[-1] for row in closed.restated()} == {"days_cut_off"}


def test_another_key_makes_no_late_rows(
    closed: Closed, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed.change(MORE_UNANSWERED)
    monkeypatch.setenv("KEFU_BUYER_KEY", "another secret of the tests")
    closed.publish()
    # The fingerprints are of another key and say nothing; the counts do.
    assert closed.restated() == [(*UNANSWERED, "unexplained")]
    closed.change(LATE_MESSAGE)
    closed.publish()
    assert closed.restated() == [(*UNANSWERED, "late_rows")]


def test_an_altered_closing_is_said_and_left_out(closed: Closed) -> None:
    (closing,) = Closings(closed.published).read()
    file = Closings(closed.published).file(closing, "agent_kpi_daily")
    file.parent.chmod(0o755)
    file.chmod(0o644)
    file.write_bytes(file.read_bytes() + b"0")
    told = closed.publish()
    assert "ALTERED" in told["closed 2026-10"]
    assert closed.restated() == []
    assert closed.ask("select is_altered from closed.periods") == [(True,)]
    assert "ALTERED since: agent_kpi_daily" in closed.world("closed").stdout
    (file.parent / "manifest.json").chmod(0o644)
    (file.parent / "manifest.json").write_text("no JSON")
    # What others read of closed months is not to vanish from the file.
    before = closed.published.read_bytes()
    with pytest.raises(KefuError, match="2026-10 cannot be read") as refused:
        closed.publish()
    assert refused.value.exit_code == EXIT_PUBLISH
    assert closed.published.read_bytes() == before
    assert "cannot be read" in closed.world("closed").stderr


def test_the_commands(published_once: Closed) -> None:
    closed = published_once
    world = closed.world
    assert "no period is closed" in world("closed").stdout
    early = world("restatements")
    assert early.returncode == 5 and "kefu close" in early.stderr
    done = world("close", "2026-10", "--by", "Wang Fang")
    assert done.returncode == 0, done.stderr
    assert "agent_kpi_daily" in done.stdout and "3 rows" in done.stdout
    waits = world("restatements", "2026-10")
    assert waits.returncode == 0, waits.stderr
    assert "older than that, and the next `kefu run` compares it" in waits.stdout
    (line,) = world("closed").stdout.splitlines()
    assert line.startswith("2026-10 ") and "by Wang Fang, run run-1; in force" in line
    closed.change(LATE_MESSAGE + MORE_UNANSWERED + NEW_SCORE)
    closed.change(
        "update staging.stg_pdd__messages set msg_id = '2b' where msg_id = '2'"
    )
    closed.publish()
    shown = world("restatements", "2026-10").stdout
    assert "2026-10: 2 values would be different now" in shown
    assert (
        "mall_id=m1, cs_uid=a, service_date=2026-10-01; unanswered_messages: 2 -> 3;"
        " late_rows" in shown
    )
    assert shown.index("unanswered_messages") < shown.index("experience_score: 2.5")
    table = list(csv.DictReader(io.StringIO(world("restatements", "--csv").stdout)))
    assert [row["current_value"] for row in table] == ["3", "2.25"]
    assert "2026-09 is not closed" in world("restatements", "2026-09").stdout
    assert world("restatements", "October").returncode == 2


def test_the_screen_tells_what_pay_is_reckoned_from_first(closed: Closed) -> None:
    closed.change(
        NEW_SCORE + LATE_MESSAGE + MORE_UNANSWERED + "update marts.agent_kpi_daily"
        " set is_response_final = false where service_date = '2026-10-01';"
        " insert into marts.agent_kpi_daily values"
        " ('m1', 'd', '2026-10-01', true, true, 1, 0, null, 0);"
        " delete from marts.agent_kpi_daily where cs_uid = 'c'"
    )
    closed.publish()
    short = list(lines(closed.published, "2026-10", 40))
    told = [line.strip() for line in short if " in " in line]
    assert told[0].startswith("2026-10 agent_kpi_daily: ") and "in 3 rows" in told[0]
    assert told[1] == "2026-10 experience_score_30d: 1 in 1 row"
    shown = "\n".join(short)
    assert "unanswered_messages: 2 -> 3" in shown
    # Nobody knows why, so it stays; what a late row brings along does not.
    assert "row vanished; unexplained" in shown
    assert "row appeared" not in shown
    assert "a, service_date=2026-10-01; is_" not in shown
    everything = "\n".join(lines(closed.published, "2026-10", None))
    assert "row appeared" in everything
    assert "a, service_date=2026-10-01; is_response_final" in everything


def test_a_version_older_than_the_closing_is_told_as_such(closed: Closed) -> None:
    first = Versions(closed.published).current_id()
    closed.publish()
    assert list(lines(closed.published, None, 40)) == [
        "2026-10: nothing changed since the closing"
    ]
    assert closed.world("rollback", first).returncode == 0
    (told,) = lines(closed.published, "2026-10", 40)
    assert "to which a rollback returned, is older than that" in told
    csv_too = closed.world("restatements", "2026-10", "--csv")
    assert csv_too.returncode == EXIT_PUBLISH
    assert "the next `kefu run` compares it" in csv_too.stderr


# --- the list of tables and rules against the project ---


def published_grains() -> dict[str, tuple[tuple, set]]:
    """Return the key and the columns of each mart, from its YAML."""
    grains = {}
    for path in (ROOT / "models" / "marts").rglob("*.yml"):
        for model in yaml.safe_load(path.read_text(encoding="utf-8"))["models"]:
            columns = {column["name"] for column in model["columns"]}
            for test in model.get("data_tests", []):
                if isinstance(test, dict) and "unique_grain" in test:
                    key = tuple(test["unique_grain"]["arguments"]["columns"])
                    grains[model["name"]] = key, columns
    return grains


def test_every_table_by_mall_and_day_is_closed() -> None:
    grains = published_grains()
    days = {"service_date", "request_date", "as_of_date"}
    wanted = {
        name: key
        for name, (key, columns) in grains.items()
        if days & set(key)
        and "buyer_key" not in columns
        # What the platform said is landed, and no rule of ours moves it.
        and not name.startswith("official_")
    }
    assert {name: table.keys for name, table in CLOSED_TABLES.items()} == wanted
    for table in CLOSED_TABLES.values():
        assert table.day in table.keys


def test_families_name_columns_and_sources_that_exist() -> None:
    grains = published_grains()
    there = set().union(*(grains[name][1] for name in CLOSED_TABLES))
    assert set().union(*COLUMN_FAMILIES.values()) <= there
    families = reach(project_vars(ROOT))
    for name in CLOSED_TABLES:
        for column in grains[name][1]:
            assert family_of(name, column) in families
    sources = set().union(*families.values())
    folders = {path.name for path in (ROOT / "models/staging/pdd").glob("*/")}
    assert sources == {name for name in folders if not name.startswith("official_")}
    assert set(COLUMN_FAMILIES) >= KEPT_EVERYWHERE


def test_days_of_a_month() -> None:
    assert days_of("2024-02") == (dt.date(2024, 2, 1), dt.date(2024, 2, 29))


# --- the real models: every difference that late rows make is explained ---

LATER = "2026-11-20 20:00:00"
FIFTH_OF_NOVEMBER = "1793880000"
CHANGES = {
    "messages": {"buyer_uid": "a buyer who came late"},
    "orders": {
        "updated_at": "2026-11-20 12:00:00",
        "receive_time": "2026-11-19 12:00:00",
        "pay_amount": "3.33",
    },
    "refunds": {
        "updated_time": FIFTH_OF_NOVEMBER,
        "refund_success_time": FIFTH_OF_NOVEMBER,
        "after_sales_status": "10",
        "join_or_not": "1",
        "dispute_refund_status": "1",
        "liability": "merchant",
    },
    "complaints": {"channel": "complaint", "liability": None, "is_valid": "true"},
    "malls": {"category_name": "another"},
    "agents": {"is_robot": "true", "valid_to": None},
    "agent_shifts": {"shift_name": "another"},
    "ratings": {"score": "1"},
    "quality_reviews": {"communication": "1"},
    "excluded_buyers": {"valid_from": None, "valid_to": None},
}
# Landed under a new id, so that they come on top of what is there.
NEW_IDS = {
    "messages": "msg_id",
    "complaints": "complaint_id",
    "ratings": "rating_id",
    "quality_reviews": "review_id",
}
ROWS_EACH = 5
# Few builds: sources that reach the same columns are landed one after another.
TOGETHER = (
    ("messages", "ratings"),
    ("orders", "quality_reviews"),
    ("refunds", "agent_shifts"),
    ("complaints", "agents"),
    ("excluded_buyers", "malls"),
)


def land_changed(root: Path, source: str) -> Path:
    """Land some rows of a source once more, changed; return the file."""
    rows = sorted(
        raw_rows(source, root), key=lambda row: sha256(str(row).encode()).digest()
    )
    changed = []
    for number, row in enumerate(rows[:ROWS_EACH]):
        late = row | CHANGES[source] | {"_loaded_at": LATER}
        if source in NEW_IDS:
            late[NEW_IDS[source]] = f"late-{number}"
        changed.append(late)
    return land(root, source, changed, "late.parquet", LATER[:10])


def assert_explained(closed: Closed, groups: Iterable[tuple[str, ...]]) -> None:
    """Close a demo month, land each group late, expect a cause for whatever differs."""
    variables = LOTS["defaults"][1]
    project = compiled_project(**variables)
    root = closed.world.home / "demo"
    demo_data.generate(root, malls=5, days=36, messages=1_200, seed=3)

    def publish_built() -> None:
        closed.world.database.unlink()
        settings = dataclasses.replace(settings_of(root), buyer_key=KEY)
        with project.connect(settings) as connection:
            project.build(connection)
            connection.execute(f"attach '{closed.world.database}' as built")
            connection.execute("copy from database memory to built")
        closed.publish(vars=project_vars(ROOT) | variables)

    publish_built()
    closed.close(in_spite_of_not_final=True, in_spite_of_incomplete=True)
    for sources in groups:
        files = [land_changed(root, source) for source in sources]
        publish_built()
        for file in files:
            file.unlink()
        found = closed.ask(
            "select cause, count(*), any_value(row(table_name, row_key, column_name))"
            " from closed.restatements where cause <> 'became_final' group by cause"
        )
        expected = {"late_rows", "roster_changed", "peers_changed"}
        assert found, sources
        for cause, _, example in found:
            assert set(cause.split("+")) <= expected, (sources, cause, example)


def test_late_messages_and_ratings_are_explained(published_once: Closed) -> None:
    assert_explained(published_once, TOGETHER[:1])


@pytest.mark.long
def test_whatever_comes_late_is_explained(published_once: Closed) -> None:
    assert_explained(published_once, TOGETHER[1:])


def test_every_source_comes_late_once() -> None:
    assert sorted(sum(TOGETHER, ())) == sorted(CHANGES)
    assert set(CHANGES) == set().union(*reach(project_vars(ROOT)).values())
