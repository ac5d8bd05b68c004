"""The audit: its thresholds, what it says, keeps and shows, and to whom."""

import contextlib
import datetime as dt
import json
import re
import socket
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
import yaml
from conftest import ROOT, Kefu, land, settings_of, text_row
from kept_versions import keep_version

from kefu import privacy_requests
from kefu.audit import examine, run_audit
from kefu.audit.config import read_config
from kefu.audit.data_docs import without_network
from kefu.audit.engine import audit_database, repair_duckdb_engine
from kefu.audit.report import KEPT, AuditReport, Outcome
from kefu.audit.run import CHECKS, published_version
from kefu.dashboard.text import chinese
from kefu.errors import EXIT_AUDIT, EXIT_INPUT, KefuError
from kefu.meta_schema import for_readers
from kefu.settings import Settings
from kefu.versions import ROLLED_BACK, Versions

NOW = dt.datetime(2026, 3, 31, 1, 0, tzinfo=dt.UTC)

# A working database of 30 days of messages: two malls, one of them quiet, as
# staging has them.
STAGED = """
create schema staging;
create table staging.stg_pdd__messages as
select
    if(number % 10 = 0, 'small', 'large') as mall_id,
    'm' || day || '-' || number as msg_id,
    'secret-buyer-' || (number // 6) as buyer_uid,
    if(number % 2 = 0, 'user', 'mall_cs') as from_role,
    if(number % 2 = 0, null, 'agent') as cs_uid,
    if(number % 2 = 0, '私密的话', null) as buyer_text,
    timestamp '2026-03-01 00:00:00' + to_days(day)
        + to_seconds(number * 86400 // 300) as sent_at,
    timestamp '2026-03-01 18:10:00' + to_days(day) as loaded_at,
    date '2026-03-01' + day as load_date
from
    (select cast(range as integer) as day from range(30)) as days,
    (select cast(range as integer) as number from range(304)) as numbers
where number < 300 + day % 5;
create table staging.stg_pdd__loads as
select
    'messages' as source,
    load_date,
    count(*) as rows_landed,
    count(*) as rows_accepted,
    max(loaded_at) as newest_accepted_loaded_at
from staging.stg_pdd__messages
group by load_date;
"""
OUTSIDE = re.compile(r"""(src|href)=["']?(https?:)?//|<script|url\('http""")
TEXTS = ("secret-buyer", "私密的话")


def world(home: Path, *changes: str) -> Settings:
    """Return settings whose working database is the small one, changed."""
    settings = replace(
        settings_of(home / "raw"),
        database=home / "work" / "kefu.duckdb",
        published=home / "published" / "kefu.duckdb",
    )
    settings.database.parent.mkdir(parents=True)
    with duckdb.connect(str(settings.database)) as connection:
        connection.execute(STAGED)
        for change in changes:
            connection.execute(change)
    return settings


def found(report: AuditReport) -> set[str]:
    """Return the names of the checks that failed."""
    return {outcome.name for outcome in report.outcomes if outcome.success is False}


def outcome_of(report: AuditReport, name: str) -> Outcome:
    return next(outcome for outcome in report.outcomes if outcome.name == name)


# --- audit.yml ---


def changed_config(home: Path, change) -> Path:
    document = yaml.safe_load((ROOT / "audit.yml").read_text(encoding="utf-8"))
    change(document)
    text = yaml.safe_dump(document, allow_unicode=True)
    (home / "audit.yml").write_text(text, encoding="utf-8")
    return home


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda it: it["checks"]["volume_low"].update(deviation=3),
            "unknown key deviation in checks.volume_low: did you mean deviations?",
        ),
        (
            lambda it: it["checks"].update(volume_lo={}),
            "unknown key volume_lo in checks: did you mean volume_low",
        ),
        (
            lambda it: it["checks"].pop("day_missing"),
            "the key day_missing is missing in checks",
        ),
        (
            lambda it: it["checks"]["codes"].pop("rows"),
            "the key rows is missing in checks.codes",
        ),
        (
            lambda it: it["checks"]["codes"].update(severity="off"),
            "checks.codes.severity must be blocking or warning",
        ),
        (
            lambda it: it["checks"]["codes"].update(rows="many"),
            "checks.codes.rows must be a number of 0 or more",
        ),
        (
            lambda it: it["checks"]["codes"].update(advice=""),
            "checks.codes.advice must be a sentence",
        ),
        (lambda it: it.update(extra=1), "unknown key extra"),
        (lambda it: it.update(checks=[]), "checks must be a mapping"),
    ],
)
def test_a_bad_audit_yml_is_refused(tmp_path: Path, change, told: str) -> None:
    with pytest.raises(KefuError, match=re.escape(told)):
        read_config(changed_config(tmp_path, change), CHECKS)


@pytest.mark.parametrize("text", ["checks: [", "\t"])
def test_an_audit_yml_that_is_no_yaml_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "audit.yml").write_text(text, encoding="utf-8")
    with pytest.raises(KefuError, match="audit.yml"):
        read_config(tmp_path, CHECKS)
    (tmp_path / "audit.yml").unlink()
    with pytest.raises(KefuError, match="restore it"):
        read_config(tmp_path, CHECKS)


def test_every_check_is_described() -> None:
    names = [check.name for check in CHECKS]
    assert len(names) == len(set(names))
    docs = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
    assert [name for name in names if f"`{name}`" not in docs] == []


# --- the engine ---


def ask_great_expectations(settings: Settings) -> bool:
    """Return whether one expectation on a small table can be evaluated."""
    import great_expectations as gx  # noqa: PLC0415

    with audit_database(settings.database, None) as database:
        database.connection.execute("create table few as select 1 as number")
        context = gx.get_context(mode="ephemeral")
        source = context.data_sources.add_sql("kefu", connection_string=database.url)
        asset = source.add_table_asset("few", table_name="few")
        batch = asset.add_batch_definition_whole_table("all").get_batch()
        result = batch.validate(
            gx.expectations.ExpectColumnValuesToBeBetween(
                column="number", min_value=0, max_value=2
            )
        )
        source.get_engine().dispose()
    return bool(result.success)


def test_the_repair_of_duckdb_engine_is_enough_and_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import duckdb_engine  # noqa: PLC0415

    settings = world(tmp_path)
    assert ask_great_expectations(settings)
    repair_duckdb_engine()
    monkeypatch.setattr("kefu.audit.engine.repair_duckdb_engine", lambda: None)
    monkeypatch.setattr(
        duckdb_engine.ConnectionWrapper,
        "cursor",
        lambda self: duckdb_engine.CursorWrapper(self._ConnectionWrapper__c, self),
    )
    # When this holds without the repair, repair_duckdb_engine can go.
    works = False
    with contextlib.suppress(Exception):
        works = ask_great_expectations(settings)
    assert not works


# --- a good build, and what is written of it ---


def test_a_good_build_passes_and_tells_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    settings = world(tmp_path)
    before = settings.database.read_bytes()
    report = run_audit(settings, "one", {}, lambda _: None, now=NOW)
    assert found(report) == set(), report.screen()
    assert report.passed
    assert "nothing published yet" in report.screen()
    assert outcome_of(report, "codes").success is True
    assert settings.database.read_bytes() == before
    assert not settings.published.exists()

    kept = settings.database.parent / "audit" / "one.json"
    assert json.loads(kept.read_text(encoding="utf-8")) == report.as_dict()
    docs = settings.published.parent / "data_docs"
    pages = list(docs.rglob("*.html"))
    assert len(pages) > 4
    for path in (kept, *pages):
        text = path.read_text(encoding="utf-8")
        assert not any(secret in text for secret in TEXTS), path
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not OUTSIDE.search(text), page
    index = (docs / "index.html").read_text(encoding="utf-8")
    assert "Audit passed" in index
    links = re.findall(r'href="([^"]+)">([^<]+)<', index)
    for target, _ in links:
        assert (docs / target.replace("%20", " ")).is_file()
    assert "landings: volumes" in {told for _, told in links}
    assert len({told for _, told in links}) == len(links)


def test_what_points_outside_is_dropped_from_a_page() -> None:
    page = (
        '<html><head><script src="https://x/y.js"></script><link href="https://x/y.css"/>'
        "</head><body><a href='https://x'>told</a><a href='#here'>kept</a>"
        "<footer>news <a href='https://x'>x</a></footer>&lt;b&amp;</body></html>"
    )
    filtered = without_network(page)
    assert "//" not in re.sub(r"<style>.*?</style>", "", filtered, flags=re.DOTALL)
    body = filtered.split("<body>")[1]
    assert body == "told<a href='#here'>kept</a>&lt;b&amp;</body></html>"


def test_data_docs_are_replaced_and_old_ones_removed(tmp_path: Path) -> None:
    settings = world(tmp_path)
    folder = settings.published.parent
    (folder / "data_docs").mkdir(parents=True)
    (folder / "data_docs" / "old.html").write_text("old")
    for run_id in ("one", "two"):
        run_audit(settings, run_id, {}, lambda _: None, now=NOW)
        index = folder / "data_docs" / "index.html"
        assert f"Run {run_id}" in index.read_text(encoding="utf-8")
    assert len(list(folder.iterdir())) == 2
    assert not (folder / "data_docs" / "old.html").exists()
    run_audit(settings, "three", {}, lambda _: None, now=NOW - dt.timedelta(days=9))
    pages = list((folder / "data_docs").rglob("*.html"))
    for page in pages:
        assert "kept this build from being published" in page.read_text("utf-8"), page


def test_only_the_newest_results_are_kept(tmp_path: Path) -> None:
    for number in range(KEPT + 3):
        AuditReport(f"run{number:02}", "", []).keep(tmp_path)
    kept = sorted(path.stem for path in tmp_path.iterdir())
    assert kept == [f"run{number:02}" for number in range(3, KEPT + 3)]


# --- findings ---

NEWEST = "date '2026-03-30'"
FUTURE = (
    "update staging.stg_pdd__messages set loaded_at = timestamp '2026-03-31 01:20:00'"
    f" where load_date = {NEWEST} and msg_id like '%-7'"
)


def test_rows_loaded_after_the_clock_block(tmp_path: Path) -> None:
    settings = world(tmp_path, FUTURE)
    report = examine(settings, "x", now=NOW)
    assert "loaded_in_future" in report.blocking
    assert outcome_of(report, "loaded_in_future").keys[0]["minutes_ahead"] == 20
    assert "loaded_in_future" in report.screen()
    later = examine(settings, "x", now=NOW + dt.timedelta(minutes=6))
    assert "loaded_in_future" not in found(later)


def test_a_run_id_that_ends_like_a_time_zone(tmp_path: Path) -> None:
    report = examine(world(tmp_path), "20261122T152407Z-8650ad", now=NOW)
    assert report.passed


@pytest.mark.parametrize(
    ("loaded", "blocks"),
    [
        ("2026-03-28 23:59:59", True),
        ("2026-03-29 00:00:00", False),
        ("2026-03-31 23:59:59", False),
        ("2026-04-01 00:00:00", True),
    ],
)
def test_rows_more_than_a_day_off_their_folder_block(
    tmp_path: Path, loaded: str, blocks: bool
) -> None:
    settings = world(
        tmp_path,
        f"update staging.stg_pdd__messages set loaded_at = timestamp '{loaded}'"
        f" where load_date = {NEWEST} and msg_id like '%-7'",
    )
    report = examine(settings, "x", now=NOW + dt.timedelta(days=3))
    assert ("loaded_off_folder" in report.blocking) is blocks


def test_rejected_rows_with_a_wrong_clock_block_too(tmp_path: Path) -> None:
    settings = world(
        tmp_path,
        "create table staging.stg_pdd__messages_rejected as select"
        f" '2027-01-01T00:00:00Z' as _loaded_at, {NEWEST} as load_date"
        f" union all select 'no time', {NEWEST}",
    )
    report = examine(settings, "x", now=NOW)
    assert report.blocking == ["loaded_in_future", "loaded_off_folder"]


def test_an_accepted_finding_does_not_block_and_stays(tmp_path: Path) -> None:
    settings = world(tmp_path, FUTURE)
    accepted = {"loaded_in_future": "the clock was ahead", "codes": "not needed"}
    said: list[str] = []
    report = run_audit(settings, "x", accepted, said.append, now=NOW)
    assert report.passed
    assert "  --accept codes was not needed" in said
    assert not any("loaded_in_future" in line for line in said)
    outcome = outcome_of(report, "loaded_in_future")
    assert (outcome.success, outcome.accepted_reason) == (False, "the clock was ahead")
    assert outcome_of(report, "codes").accepted_reason is None
    assert "accepted: the clock was ahead" in report.screen()
    index = settings.published.parent / "data_docs" / "index.html"
    assert "the clock was ahead" in index.read_text(encoding="utf-8")


def test_an_unknown_check_cannot_be_accepted(tmp_path: Path) -> None:
    with pytest.raises(KefuError, match="did you mean loaded_in_future"):
        examine(world(tmp_path), "x", {"loaded_in_the_future": "why"}, NOW)


def test_old_landings_are_told_but_not_of_the_demo(tmp_path: Path) -> None:
    settings = world(tmp_path)
    late = NOW + dt.timedelta(days=3)
    assert found(examine(settings, "x", now=late)) == {"nothing_new"}
    settings.raw_root.mkdir()
    (settings.raw_root / ".kefu-demo").touch()
    assert found(examine(settings, "x", now=late)) == set()


# --- no false alarms ---

QUIET = f"delete from staging.stg_pdd__messages where load_date = {NEWEST}"


@pytest.mark.parametrize(
    "change",
    [
        f"{QUIET} and mall_id = 'small'",
        f"{QUIET} and mall_id = 'large' and hash(buyer_uid) % 4 = 0",
        "insert into staging.stg_pdd__messages select * replace ('new' as mall_id)"
        f" from staging.stg_pdd__messages where load_date >= {NEWEST} - 1",
        "delete from staging.stg_pdd__messages where load_date < date '2026-03-27'",
        "delete from staging.stg_pdd__messages",
        "delete from staging.stg_pdd__messages where mall_id = 'small'",
    ],
    ids=[
        "quiet day",
        "quieter day",
        "new mall",
        "short history",
        "empty",
        "one mall",
    ],
)
def test_what_is_no_defect_does_not_block(tmp_path: Path, change: str) -> None:
    settings = world(
        tmp_path,
        change,
        "delete from staging.stg_pdd__loads where load_date not in"
        " (select load_date from staging.stg_pdd__messages)",
    )
    report = examine(settings, "x", now=NOW)
    assert report.passed, report.screen()


def test_a_large_malls_lost_messages_block(tmp_path: Path) -> None:
    settings = world(
        tmp_path, f"{QUIET} and mall_id = 'large' and hash(msg_id) % 2 = 0"
    )
    report = examine(settings, "x", now=NOW)
    assert {"mall_volume_low", "chats_cut"} <= set(report.blocking)
    row = outcome_of(report, "mall_volume_low").keys[0]
    assert (row["source"], row["mall_id"], row["day"]) == (
        "messages",
        "large",
        "2026-03-30",
    )


# As many orders as the shops have messages, so that a day ends without messages.
ORDERS = (
    "create table staging.stg_pdd__orders as select mall_id, msg_id as order_sn,"
    " buyer_uid, sent_at as created_at, sent_at as paid_at, 'goods' as goods_id,"
    " 10 as pay_amount, 12 as goods_amount, 1 as goods_count, loaded_at, load_date"
    " from staging.stg_pdd__messages",
    "insert into staging.stg_pdd__loads select * replace ('orders' as source)"
    " from staging.stg_pdd__loads",
)
HALF = "mall_id = 'large' and hash(msg_id) % 2 = 0"


MISSED = {"day_missing", "volume_low"}
CUT = {"mall_volume_low", "volume_low", "chats_cut"}
LOST = "delete from staging.stg_pdd__messages where ({}) and day(load_date) in ({})"
SALE = (
    "insert into staging.stg_pdd__messages select messages.* replace"
    " (copy || msg_id as msg_id, copy || buyer_uid as buyer_uid)"
    " from staging.stg_pdd__messages as messages, (values ('2'), ('3')) as copies(copy)"
    " where load_date = date '2026-03-15'"
)


@pytest.mark.parametrize(
    ("before", "lost", "checks"),
    [
        (LOST.format("true", "29"), "true", MISSED),
        # Days without rows are left out of what is usual, however many.
        (LOST.format("true", "7, 11, 15, 20"), "true", MISSED),
        (LOST.format(HALF, "29"), HALF, CUT),
        (LOST.format(HALF, "14, 15"), HALF, CUT),
        (SALE, HALF, CUT),
    ],
    ids=["yesterday", "four days", "half of yesterday", "half of two days", "a sale"],
)
def test_a_day_out_of_the_ordinary_does_not_excuse_the_next(
    tmp_path: Path, before: str, lost: str, checks: set[str]
) -> None:
    settings = world(tmp_path, *ORDERS, before, LOST.format(lost, "30"))
    report = examine(settings, "x", now=NOW)
    assert checks <= set(report.blocking), report.screen()


def test_shops_that_close_on_mondays_do_not_block(tmp_path: Path) -> None:
    closed = "delete from staging.stg_pdd__messages where isodow(load_date) = 1"
    settings = world(tmp_path, *ORDERS, closed)
    assert dt.date(2026, 3, 30).isoweekday() == 1
    report = examine(settings, "x", now=NOW)
    assert report.passed, report.screen()


# --- what was published ---


def published_before(settings: Settings, rows_known: str) -> None:
    """Publish the books of the loads before the newest, so many rows of each."""
    books = settings.database.with_name("before.duckdb")
    with duckdb.connect(str(books)) as connection:
        connection.execute(f"attach '{settings.database}' as working (read_only)")
        connection.execute("create schema marts")
        connection.execute(
            "create table marts.data_quality_balance as select source, load_date,"
            f" {rows_known} as rows_landed from working.staging.stg_pdd__loads"
            f" where load_date < {NEWEST}"
        )
    keep_version(settings.published, books)


def test_loads_that_lost_rows_are_still_the_history(tmp_path: Path) -> None:
    settings = world(tmp_path, f"{QUIET} and {HALF}")
    published_before(settings, "rows_landed + 1")
    report = examine(settings, "x", now=NOW)
    assert {"mall_volume_low", "chats_cut"} <= set(report.blocking), report.screen()
    assert report.sources_not_judged == []
    assert "compared with the published version before" in report.screen()


def test_a_source_without_history_is_named(tmp_path: Path) -> None:
    settings = world(tmp_path)
    published_before(settings, "rows_landed - if(day(load_date) > 4, 1, 0)")
    report = examine(settings, "x", now=NOW)
    told = "new loads of messages (4): fewer than 7 earlier ones to compare with"
    assert f"not judged: {told}" in report.screen()
    assert report.as_dict()["sources_not_judged"] == [
        {"source": "messages", "earlier": 4, "of": "loads", "needed": 7}
    ]


def test_a_source_with_few_days_is_named(tmp_path: Path) -> None:
    settings = world(
        tmp_path,
        "delete from staging.stg_pdd__messages where load_date < date '2026-03-27'",
    )
    told = "new days of messages (3): fewer than 7 earlier ones to compare with"
    assert told in examine(settings, "x", now=NOW).screen()


FIGURES = """
create schema if not exists marts;
create table marts.mall_kpi_daily as
select 'mall ' || mall as mall_id, date '2026-03-01' + day as service_date,
    100 as agent_messages
from (select cast(range as integer) as mall from range(10)) as malls,
    (select cast(range as integer) as day from range(29)) as days;
create table marts.data_completeness as
select mall_id, service_date as date_day,
    if(mall_id = 'mall 9' and service_date = date '2026-03-28', 'low', 'complete')
        as status
from marts.mall_kpi_daily;
"""


@pytest.mark.parametrize(
    ("day", "malls", "factor", "blocks"),
    [
        ("2026-03-28", "true", 1.19, False),
        ("2026-03-28", "true", 1.21, True),
        ("2026-03-29", "true", 0.79, True),
        ("2026-03-22", "true", 1.11, True),
        ("2026-03-28", "mall_id = 'mall 8'", 1.6, True),
        ("2026-03-28", "mall_id = 'mall 9'", 1.6, False),
        ("2026-03-28", "mall_id = 'mall 9'", 0.4, True),
    ],
    ids=str,
)
def test_what_a_load_does_to_a_published_day(
    tmp_path: Path, day: str, malls: str, factor: float, blocks: bool
) -> None:
    settings = world(tmp_path, FIGURES)
    keep_version(settings.published, settings.database)
    with duckdb.connect(str(settings.database)) as connection:
        connection.execute(
            f"update marts.mall_kpi_daily set agent_messages = 100 * {factor}"
            f" where service_date = '{day}' and {malls}"
        )
    report = examine(settings, "x", now=NOW)
    assert ("published_figures_kept" in report.blocking) is blocks, report.screen()


def test_the_kept_copy_is_compared_with(tmp_path: Path) -> None:
    settings = world(tmp_path)
    said: list[str] = []
    for run_id in ("one", "two"):
        keep_version(settings.published, settings.database, run_id)
    settings.published.write_bytes(b"whatever lies here")
    assert published_version(settings.published, said.append).run_id == "two"
    Versions(settings.published).note(ROLLED_BACK, "one", "two")
    Versions(settings.published).note("removed", "two", None)
    assert published_version(settings.published, said.append).run_id == "one"
    assert said == []
    kept = Versions(settings.published).find("one").file
    kept.chmod(0o644)
    kept.write_bytes(b"no database")
    assert published_version(settings.published, said.append).run_id == "two"
    assert "the version one is damaged" in said[0]
    other = settings.published.with_name("other.duckdb")
    assert published_version(other, said.append) is None


def test_without_kept_versions_the_published_file_is_compared(tmp_path: Path) -> None:
    settings = world(tmp_path, FIGURES)
    settings.published.parent.mkdir(parents=True)
    with duckdb.connect(str(settings.published)) as connection:
        connection.execute(FIGURES)
    report = examine(settings, "x", now=NOW)
    assert outcome_of(report, "published_days_kept").not_judged is None
    assert "nothing published yet" not in report.screen()
    settings.published.write_bytes(b"whatever lies here")
    assert "compared with NOTHING" in examine(settings, "x", now=NOW).screen()


HOLE = (
    "create schema marts",
    "create table marts.data_completeness as select mall_id, 'orders' as source,"
    " cast(sent_at as date) as date_day, 0 as rows, 90 as expected_rows,"
    " if(date_day = date '2026-03-10', 'missing', 'complete') as status"
    " from staging.stg_pdd__messages group by all",
)


def test_what_is_there_is_not_called_missing(tmp_path: Path) -> None:
    """Marts that hold nothing to judge are there all the same."""
    malls = (
        "create table marts.dim_malls as select 'large' as mall_id,"
        " 'x' as category_name, 'x' as mall_name, 'x' as merchant_type,"
        " true as is_unknown_member"
    )
    judged = "update marts.data_completeness set status = 'not_judged'"
    settings = world(tmp_path, *HOLE, judged, malls)
    before = settings.database.with_name("before.duckdb")
    with duckdb.connect(str(before)) as connection:
        connection.execute(f"create schema marts; {malls}")
    keep_version(settings.published, before)
    report = examine(settings, "x", now=NOW)
    for name, reason in (
        ("days_incomplete", "no new day of a mall with enough rows to tell"),
        ("malls_kept", "all of them unlisted"),
        ("malls_changed", "all of them unlisted"),
    ):
        assert reason in (outcome_of(report, name).not_judged or ""), name


@pytest.mark.parametrize("last", ["2026-03-05", None, "2026-03-29"])
def test_a_hole_of_a_long_pause_is_found(tmp_path: Path, last: str | None) -> None:
    settings = world(tmp_path, *HOLE)
    if last:
        books = settings.database.with_name("before.duckdb")
        with duckdb.connect(str(books)) as connection:
            connection.execute(
                "create schema marts; create table marts.mall_kpi_daily as"
                f" select 'large' as mall_id, date '{last}' as service_date"
            )
        keep_version(settings.published, books)
    report = examine(settings, "x", now=NOW)
    is_new = last != "2026-03-29"
    assert ("feed_stopped" in report.blocking) is is_new, report.screen()
    assert ("days_incomplete" in found(report)) is is_new
    days = [left for left in report.left_unjudged if left["of"] == "days"]
    assert [(left["first"], left["last"]) for left in days] == {
        "2026-03-05": [("2026-03-06", "2026-03-16")],
        None: [("2026-03-01", "2026-03-29")],
    }.get(last, [])
    assert ("new days, 2026-03-" in report.screen()) is is_new


@pytest.mark.parametrize("end", ["2026-04-03", "2026-03-30"])
def test_files_that_end_before_the_day_that_is_asked(tmp_path: Path, end: str) -> None:
    """As where last month's files are taken up: the way out is in the advice."""
    late = "update staging.stg_pdd__loads set newest_accepted_loaded_at = '2026-04-04'"
    asked = (
        "create schema intermediate; create table intermediate.int_as_of_end as"
        f" select date '{end}' as as_of_end"
    )
    settings = world(tmp_path, late, asked)
    report = examine(settings, "x", now=dt.datetime(2026, 4, 4, 1, tzinfo=dt.UTC))
    is_late = end == "2026-04-03"
    refused = {"day_missing", "volume_low", "mall_volume_low"} if is_late else set()
    assert set(report.blocking) == refused, report.screen()
    for name in (*refused, "feed_stopped"):
        asked_for = "kefu run --vars 'as_of_date: YYYY-MM-DD'"
        assert asked_for in outcome_of(report, name).advice
        assert asked_for in chinese()["advice"][name]


def test_new_loads_that_are_too_many_are_named(tmp_path: Path) -> None:
    settings = world(tmp_path)
    published_before(settings, "rows_landed - if(day(load_date) > 4, 1, 0)")
    report = examine(settings, "x", now=NOW)
    told = "12 new loads of messages, 2026-03-05 to 2026-03-16: only newer ones"
    assert told in report.screen()
    assert report.as_dict()["left_unjudged"][0]["number"] == 12


PAID = """
create schema marts;
create table marts.agent_kpi_daily as
select 'mall' as mall_id, 'agent ' || agent as cs_uid,
    date '2026-03-20' as service_date, 100 as sales_amount,
    true as is_conversion_final, true as is_response_final
from (select cast(range as integer) as agent from range(10)) as agents;
"""


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ("100", None),
        ("100 + if(cs_uid < 'agent 5', 19, -19)", None),
        ("100 + if(cs_uid < 'agent 5', 21, -21)", "(all)"),
        ("if(cs_uid = 'agent 3', 141, 100)", "mall"),
    ],
)
def test_pay_that_moved_between_agents_is_told(
    tmp_path: Path, changed: str, told: str | None
) -> None:
    settings = world(tmp_path, PAID)
    keep_version(settings.published, settings.database)
    with duckdb.connect(str(settings.database)) as connection:
        connection.execute(f"update marts.agent_kpi_daily set sales_amount = {changed}")
    outcome = outcome_of(examine(settings, "x", now=NOW), "published_pay_moved")
    assert [row["mall_id"] for row in outcome.keys] == ([told] if told else [])


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (duckdb.OutOfMemoryException("Out of Memory Error: x"), "out of memory"),
        (duckdb.IOException("IO Error: locked"), "end what has them open"),
    ],
)
def test_what_ran_out_is_told_apart_from_a_file_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    settings = world(tmp_path)
    monkeypatch.setattr("kefu.audit.run.measure", fail)
    with pytest.raises(KefuError, match=told):
        examine(settings, "x", now=NOW)


# --- figures ---


def test_figures_out_of_range_are_found_with_their_keys(tmp_path: Path) -> None:
    settings = world(
        tmp_path,
        "create schema marts",
        "create table marts.mall_kpi_30d as select * from (values"
        " ('m1', date '2026-03-30', 'NaN'::double, 0.5),"
        " ('m2', date '2026-03-30', 20.0, 1.0),"
        " ('m3', date '2026-03-30', 'Infinity'::double, null))"
        " as rows (mall_id, as_of_date, avg_response_seconds, refund_rate)",
        "create table marts.experience_module_scores_30d as select 'm1' as mall_id,"
        " date '2026-03-30' as as_of_date, 'logistics' as module, 5.5 as module_score",
        "create table marts.hourly_load as select 'm1' as mall_id, date '2026-03-30'"
        " as service_date, 9 as hour_of_day, 1.5 as reply_rate_30s",
        "create table marts.core_issues_30d as select 'm1' as mall_id,"
        " date '2026-03-30' as as_of_date, 'p' as problem_code, 2.5 as platform_share",
        "create table marts.mall_benchmarks_30d as select 'm1' as mall_id, 'x' as"
        " metric, date '2026-03-30' as as_of_date, 'NaN'::double as gap_to_mean",
    )
    report = run_audit(settings, "x", {}, lambda _: None, now=NOW)
    assert report.blocking == ["figures_in_range"]
    keys = outcome_of(report, "figures_in_range").keys
    assert [
        (row["mall_id"], row["column_name"], str(row["value"])) for row in keys
    ] == [
        ("m1", "avg_response_seconds", "nan"),
        ("m3", "avg_response_seconds", "inf"),
        ("m1", "reply_rate_30s", "1.5"),
        ("m1", "platform_share", "2.5"),
        ("m1", "gap_to_mean", "nan"),
        ("m1", "module_score", "5.5"),
    ]
    kept = settings.database.parent / "audit" / "x.json"
    assert "NaN" not in kept.read_text(encoding="utf-8")


# --- headers ---


@pytest.mark.parametrize("before", [(), (9,), (9, 15), (9, 15, 21)], ids=len)
def test_a_column_that_new_files_lack_blocks(
    tmp_path: Path, before: tuple[int, ...]
) -> None:
    settings = world(tmp_path)
    land(settings.raw_root, "orders", [])
    every = list(text_row("messages"))
    some = [name for name in every if name != "template_name"]
    for day in range(1, 31):
        columns = some if day in (*before, 30) else every
        load_date = f"2026-03-{day:02}"
        land(settings.raw_root, "messages", [], "a.csv", load_date, columns)
        land(settings.raw_root, "messages", [], "b.csv", load_date, every)
    report = examine(settings, "x", now=NOW)
    # Where a tenth of the loads lack it, it is one that may be lacking.
    assert report.blocking == ([] if len(before) == 3 else ["raw_columns"])
    assert outcome_of(report, "raw_columns").keys == (
        []
        if len(before) == 3
        else [
            {
                "source": "messages",
                "load_date": "2026-03-30",
                "column_name": "template_name",
                "files_without": 1,
                "files": 2,
            }
        ]
    )


@pytest.mark.parametrize(
    ("observed", "more"),
    [
        (5, None),
        (8, "  and 3 more in audit/one.json beside the working database"),
        (30, "  and 25 more, 15 of them in audit/one.json beside the working database"),
    ],
)
def test_the_screen_says_where_more_is_and_how_to_go_on(
    observed: int, more: str | None
) -> None:
    keys = [{"day": number} for number in range(min(observed, 20))]
    one, two = (
        Outcome(name, "s", "blocking", "m", "a", False, observed, keys)
        for name in ("one_check", "other_check")
    )
    two.accepted_reason = "Wang's clock"
    unjudged = [
        Outcome(f"check_{number}", "s", "warning", "m", "a", not_judged="no rows")
        for number in range(5)
    ]
    report = AuditReport("one", "", [one, two, *unjudged])
    lines = report.screen().splitlines()
    assert [line for line in lines if "more" in line] == ([more] * 2 if more else [])
    assert "  not judged: 5 checks, such as check_0: no rows" in lines
    assert lines[-1] == (
        "  if all of it is known and true: kefu run --accept one_check --reason 'WHY'"
        " --accept other_check --reason 'Wang'\"'\"'s clock'"
    )
    one.accepted_reason = "known too"
    assert "if all of it" not in report.screen()


def test_landings_that_are_gone_are_named(tmp_path: Path) -> None:
    settings = world(tmp_path)
    land(settings.raw_root, "messages", [], "kept.csv")
    land(settings.raw_root, "orders", [], "o.csv")
    taken = land(settings.raw_root, "messages", [], "taken.csv")
    name = taken.relative_to(settings.raw_root).as_posix()
    kept = name.replace("taken", "kept")
    lost = [name.replace("taken", f"lost{number}") for number in range(6)]
    retracted = privacy_requests.find_file(settings, "messages", name)
    privacy_requests.retract_file(settings, retracted, "a test")
    with duckdb.connect(str(settings.database)) as connection:
        connection.execute(STAGED)
    keep_version(settings.published, settings.database, landings=[kept, name, *lost])
    report = examine(settings, "x", now=NOW)
    assert report.landings_gone == lost
    told = f"gone since the published version: 6 landed files: {', '.join(lost[:4])},"
    assert f"{told} and 2 more in audit/x.json" in report.screen()
    manifest = {"input": {}, "audit": report.as_dict()}
    assert "lost0" not in json.dumps(for_readers(manifest))


GONE = """
create schema if not exists marts;
create table marts.fct_buyer_messages as
select 'mall ' || mall as mall_id, date '2026-03-01' + day as service_date
from (select cast(range as integer) as mall from range(2)) as malls,
    (select cast(range as integer) as day from range(29)) as days,
    range(3);
create table marts.fct_orders as
select mall_id, service_date as created_at from marts.fct_buyer_messages;
"""
ROWS_KEPT = {"published_days_kept", "published_rows_kept", "published_rows_lost"}


@pytest.mark.parametrize(
    ("table", "keys", "at", "blocks"),
    [
        ("fct_buyer_messages", 15, "2026-03-30T01:00:01Z", False),
        ("fct_buyer_messages", 4, "2026-03-30T01:00:01Z", True),
        ("fct_buyer_messages", 15, "2026-03-30T00:59:59Z", True),
        ("fct_orders", 15, "2026-03-30T01:00:01Z", True),
    ],
)
def test_rows_removed_with_a_record_are_accounted_for(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    table: str,
    keys: int,
    at: str,
    blocks: bool,
) -> None:
    """15 rows of a mall's first days are gone; messages were forgotten."""
    settings = world(tmp_path)
    land(settings.raw_root, "orders", [])
    buyer = {"mall_id": "mall 1", "buyer_uid": "1200012345678", "ts": "1772413200"}
    land(
        settings.raw_root,
        "messages",
        [text_row("messages", msg_id=f"m{each}", **buyer) for each in range(keys)],
    )
    monkeypatch.setattr(privacy_requests, "now", lambda: at)
    asked = privacy_requests.Buyer(buyer["mall_id"], buyer["buyer_uid"])
    privacy_requests.forget(
        settings, asked, privacy_requests.find_buyer(settings, asked)
    )
    with duckdb.connect(str(settings.database)) as connection:
        connection.execute(STAGED)
        connection.execute(GONE)
    keep_version(settings.published, settings.database)
    with duckdb.connect(str(settings.database)) as connection:
        connection.execute(
            f"delete from marts.{table} where mall_id = 'mall 1' and"
            f" {'service_date' if table == 'fct_buyer_messages' else 'created_at'}"
            " < date '2026-03-06'"
        )
    report = examine(settings, "x", now=NOW)
    expected = ROWS_KEPT if blocks else set()
    assert found(report) & ROWS_KEPT == expected, report.screen()
    if keys == 4:
        (told,) = outcome_of(report, "published_rows_kept").keys
        assert told["rows_lost"] == 11


# --- from outside ---


def test_check_alone_and_in_a_run_of_one_mart(mini: Kefu) -> None:
    missing = mini("check")
    assert missing.returncode == EXIT_INPUT
    assert "build it with `kefu run`" in missing.stderr
    done = mini("run")
    assert done.returncode == 0, done.stdout + done.stderr
    checked = mini("check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "0 blocking" in checked.stdout
    assert "not judged" in checked.stdout
    assert checked.stderr == ""
    assert len(list((mini.database.parent / "audit").iterdir())) == 2
    # What is written of an audit does not fit on the disk any more.
    before = mini.published.read_bytes()
    full = mini.start("check", limits={"RLIMIT_FSIZE": 10_000}).done()
    assert full.returncode == EXIT_INPUT
    (line,) = full.stderr.splitlines()
    assert line.startswith("kefu: the results of the audit cannot be written")
    assert "File too large" in line and "free space" in line
    assert mini.published.read_bytes() == before
    assert mini("check").returncode == 0
    for odd in (["--accept", "codes"], ["--accept", "codes", "--reason", " "]):
        assert mini("check", *odd).returncode == 2


def test_check_says_what_is_gone_since_the_publication(mini: Kefu) -> None:
    assert mini("run").returncode == 0
    with duckdb.connect(str(mini.database)) as connection:
        connection.execute(
            "create or replace table marts.dim_malls as from marts.dim_malls"
            " union all from marts.dim_malls limit 4"
        )
    # Whoever holds the published file open, the audit does not need it.
    mini.published.chmod(0o644)
    with duckdb.connect(str(mini.published)):
        found_out = mini("check")
    assert found_out.returncode == EXIT_AUDIT, found_out.stdout
    assert "compared with the published version" in found_out.stdout
    assert "BLOCKING keys_unique" in found_out.stdout
    assert "dim_malls" in found_out.stdout
    assert "keys_unique" in found_out.stderr
    accepted = mini("check", "--accept", "keys_unique", "--reason", "a test")
    assert accepted.returncode == 0
    assert "accepted: a test" in accepted.stdout


def test_a_run_that_accepts_an_unknown_check_is_refused(mini: Kefu) -> None:
    refused = mini("run", "--accept", "loaded_in_futur", "--reason", "x")
    assert refused.returncode == EXIT_INPUT
    assert "did you mean loaded_in_future" in refused.stderr
    refused = mini("run", "--accept", "x", "--reason", "x")
    assert "audit.yml names all" in refused.stderr and "..." not in refused.stderr


@pytest.mark.parametrize(
    ("small", "rows", "blocks"),
    [
        # The one shop that can be judged is missing, and so are most others.
        (3, 0, True),
        # Two of four shops have rows of that day: half are silent.
        (3, "if(number = 0, 0, 5)", True),
        # Three of five have: the source came, and one shop's day is missing.
        (4, "if(number = 0, 0, 5)", False),
    ],
)
def test_a_feed_that_reached_small_shops_has_not_stopped(
    tmp_path: Path, small: int, rows: int | str, blocks: bool
) -> None:
    settings = world(
        tmp_path,
        *HOLE,
        "delete from marts.data_completeness where mall_id <> 'large'",
        f"""
        insert into marts.data_completeness
        select
            'small' || number as mall_id, source, date_day, {rows} as rows,
            null as expected_rows, 'not_judged' as status
        from marts.data_completeness, range({small}) as numbers (number)
        """,
    )
    report = examine(settings, "x", now=NOW)
    assert ("feed_stopped" in report.blocking) is blocks, report.screen()
    assert "days_incomplete" in found(report)
