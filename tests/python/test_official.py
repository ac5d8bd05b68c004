"""What the platform reports beside what we compute, from its file to the table.

One world, one run: a shop's report, its order export and its chat come in, and
the published file says of every figure whether both agree and, if not, why. The
look-up of the conversation behind a late flag is tried on the same world.
"""

import csv
import json
import re
from pathlib import Path

import duckdb
import pytest
from conftest import Kefu, land, text_row

from kefu import landed_vars
from kefu.errors import KefuError
from kefu.lookup import Conversation, Message, Question, lines, look_ups, write_down
from kefu.settings import Settings

KEY = "a secret of the tests"
MALL = "1000001"
FIRST, LAST = "2025-03-03", "2025-03-04"
TEXT = "到底什么时候发货"

REPORT = {
    "序号": ["", "1", "2", "3"],
    "客服账号": ["总计", "旗舰店:小王", "小李", "新来的"],
    "咨询人数": ["4", "5", "1", "1"],
    "询单人数": ["3", "2", "1", "0"],
    "最终成团人数": ["1", "1", "0", "0"],
    "询单转化率": ["33.33%", "50.00%", "0.00%", ""],
    "客服销售额": ["20.00", "20.00", "0.00", "0.00"],
    "需要人工回复的咨询人数": ["3", "2", "1", "1"],
    "人工接待人数": ["4", "3", "1", "1"],
    "3分钟未回复人数": ["1", "2", "0", "0"],
    "3分钟人工回复率(8-23点)": ["66.67%", "50.00%", "100.00%", "100.00%"],
    "30秒应答率(8-23点)": ["66.67%", "50.00%", "100.00%", "100.00%"],
    "3分钟人工回复率(全天)": ["75.00%", "66.67%", "100.00%", "100.00%"],
    "30秒应答率(全天)": ["75.00%", "66.67%", "100.00%", "100.00%"],
    "平均人工响应时长": ["1.89 分钟", "155秒", "30秒", "5秒"],
}
ORDERS = {
    "订单号": ["250303-1", "250303-2"],
    "订单状态": ["待发货", "待发货"],
    "商品数量(件)": ["1", "1"],
    "用户实付金额(元)": ["20.00", "7.00"],
    "支付时间": ["2025-03-03 09:11:00", "2025-03-03 09:21:00"],
    "拼单成功时间": ["2025-03-03 09:12:00", "2025-03-03 09:22:00"],
}


def write_export(path: Path, columns: dict[str, list[str]]) -> Path:
    """Write a file of the back end as it gives them: GBK, tabs behind numbers."""
    with path.open("w", encoding="gb18030", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def said(number: int, buyer: str, at: str, agent: str | None = None, **more) -> dict:
    """Return a message: the buyer's, or the agent's to him."""
    return text_row(
        "messages",
        mall_id=MALL,
        msg_id=str(number),
        buyer_uid=buyer,
        from_role="mall_cs" if agent else "user",
        cs_uid=agent,
        ts=at,
        **{"_loaded_at": "2025-03-05 20:00:00", **more},
    )


CHAT = [
    said(1, "b1", f"{FIRST} 09:00:00", order_sn="250303-1"),
    said(2, "b1", f"{FIRST} 09:00:10", "a1"),
    said(3, "b2", f"{FIRST} 23:30:00"),
    said(4, "b2", f"{FIRST} 23:30:20", "a1"),
    said(5, "b1", f"{LAST} 10:00:00", content=TEXT),
    said(6, "b1", f"{LAST} 10:05:00", "a1", content="马上\x1b[2J就发"),
    said(7, "b3", f"{LAST} 11:00:00"),
    said(8, "b3", f"{LAST} 11:00:30", "a2"),
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Kefu:
    """A shop whose files came in, built and published once."""
    kefu = Kefu(home=tmp_path_factory.mktemp("official"))
    root = kefu.raw_root
    land(root, "messages", CHAT, load_date="2025-03-05")
    roster = [
        text_row("agents", mall_id=MALL, cs_uid=uid, cs_name=name)
        for uid, name in (("a1", "小王"), ("a2", "小李"))
    ]
    land(root, "agents", roster)
    span = ("--from", FIRST, "--to", LAST)
    for kind, columns, more in (
        ("performance", REPORT, span),
        ("order-export", ORDERS, ()),
    ):
        file = write_export(kefu.home / f"{kind}.csv", columns)
        done = kefu("ingest", kind, str(file), "--mall-id", MALL, *more)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "resolve_order_buyers" in done.stdout
    options = ("--no-tests", "--no-audit", "--publish-untested")
    done = kefu("run", *options, KEFU_BUYER_KEY=KEY)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "official_" not in done.stdout
    return kefu


def ask(world: Kefu, question: str) -> list[tuple]:
    """Ask the published file."""
    with duckdb.connect(str(world.published), read_only=True) as connection:
        return connection.execute(question).fetchall()


def causes(world: Kefu, who: str) -> dict[str, tuple]:
    """Return ours, the difference and the cause of an account's figures."""
    rows = ask(
        world,
        "select official_column, round(our_value, 4), round(difference, 4),"
        f" likely_cause from marts.official_reconciliation where {who}",
    )
    return {column: tuple(rest) for column, *rest in rows}


def test_what_agrees_is_equal_as_it_is_shown(world: Kefu) -> None:
    found = causes(world, "row_type = 'mall_total'")
    assert {cause for *_, cause in found.values()} == {"equal"}
    # Sums of two days: b1 came on both and counts twice.
    assert found["consult_buyers"][0] == 4
    # 1 late of 1 + 2 buyers, where the days have 0 of 1 and 1 of 2.
    assert found["reply_rate_3min"][:2] == (0.6667, 0.0)
    assert found["reply_rate_3min_all_day"][0] == 0.75
    assert found["reply_rate_30s_all_day"][0] == 0.75
    # 340 s over 3 messages, shown in hundredths of a minute.
    assert found["avg_response_seconds"][:2] == (113.3333, 0.0667)
    # The export knows no buyers; the chat says that it was b1 who bought.
    assert found["sales_amount"][0] == 20
    assert found["final_group_buyers"][0] == 1
    assert found["inquiry_conversion_rate"][0] == 0.3333


def test_what_differs_has_a_likely_cause(world: Kefu) -> None:
    found = causes(world, "cs_uid = 'a1'")
    assert found["consult_buyers"] == (3, 2, "definition")
    assert found["late_buyers_3min"] == (1, 1, "unexplained")
    others = {name for name, (*_, cause) in found.items() if cause != "equal"}
    assert others == {"consult_buyers", "late_buyers_3min"}
    assert {cause for *_, cause in causes(world, "cs_uid = 'a2'").values()} == {"equal"}
    unknown = causes(world, "cs_account = '新来的'")
    assert set(unknown.values()) == {(None, None, "roster")}
    kept = "select row_type, cs_account, cs_uid, account_status"
    assert ask(world, f"{kept} from marts.official_agent_kpi order by all") == [
        ("agent", "小李", "a2", "matched"),
        ("agent", "新来的", None, "unknown"),
        ("agent", "旗舰店:小王", "a1", "matched"),
        ("mall_total", None, None, None),
    ]


def test_buyers_are_looked_for_where_ingest_says_so(world: Kefu) -> None:
    orders = "select order_sn, buyer_key is not null, attributed_cs_uid"
    assert ask(world, f"{orders} from marts.fct_orders order by all") == [
        ("250303-1", True, "a1"),
        ("250303-2", False, None),
    ]
    issues = "select source, column_name, issue, rows from marts.data_quality_issues"
    assert ask(
        world, f"{issues} where issue in ('unknown_buyer', 'several_buyers')"
    ) == [("orders", "buyer_uid", "unknown_buyer", 1)]


def test_vars_beside_the_landings_are_read_and_judged(tmp_path: Path) -> None:
    assert landed_vars.read_vars(tmp_path) == {}
    assert landed_vars.turn_on_for_orders(tmp_path)
    assert landed_vars.read_vars(tmp_path) == {"resolve_order_buyers": True}
    file = tmp_path / landed_vars.FILE
    file.write_text("resolve_order_buyers: false\n", encoding="utf-8")
    assert not landed_vars.turn_on_for_orders(tmp_path)
    assert landed_vars.read_vars(tmp_path) == {"resolve_order_buyers": False}
    file.write_text("# nothing\n", encoding="utf-8")
    assert landed_vars.read_vars(tmp_path) == {}
    for broken in ("- a list", "a: [", "a: 2026-13-45"):
        file.write_text(broken, encoding="utf-8")
        with pytest.raises(KefuError, match=re.escape(landed_vars.FILE)):
            landed_vars.read_vars(tmp_path)


def test_a_misspelt_var_beside_the_landings_stops_a_run(mini: Kefu) -> None:
    file = mini.raw_root / landed_vars.FILE
    file.write_text("resolve_order_buyer: true\n", encoding="utf-8")
    done = mini("run")
    assert done.returncode == 3
    assert "did you mean resolve_order_buyers?" in done.stderr
    assert landed_vars.FILE in done.stderr


# --- the conversation behind a flag ---


def late_buyer(world: Kefu) -> str:
    """Return the buyer_key behind the only late flag."""
    ((key,),) = ask(
        world, "select buyer_key from marts.fct_consultations where is_late_3min"
    )
    return key


def log_of(world: Kefu) -> list[dict]:
    return look_ups(settings_of(world))


def settings_of(world: Kefu) -> Settings:
    return Settings(
        root=world.project,
        raw_root=world.raw_root,
        database=world.database,
        published=world.published,
        raw_database=None,
        buyer_key=KEY,
    )


def test_a_lead_sees_the_conversation_and_it_is_on_record(world: Kefu) -> None:
    before = log_of(world)
    key = late_buyer(world)
    why = ("--reason", "late flag of 小王")
    done = world("lookup", key, "--mall-id", MALL, *why, KEFU_BUYER_KEY=KEY)
    assert done.returncode == 0, done.stderr
    head, *shown = done.stdout.splitlines()
    assert head == f"mall {MALL}, 4 messages"
    assert [line[:19] for line in shown] == sorted(line[:19] for line in shown)
    assert "buyer (for a1)  [answered after 10 s]" in shown[0]
    assert f"[answered after 300 s, LATE by 3 min]  {TEXT}" in shown[2]
    assert "agent a1  马上\ufffd[2J就发" in shown[3]
    assert "b1" not in done.stdout
    (entry,) = log_of(world)[len(before) :]
    assert entry["at"].endswith("Z") and entry["by"]
    assert (entry["buyer_key"], entry["mall_id"]) == (key, MALL)
    assert (entry["reason"], entry["messages"]) == ("late flag of 小王", 4)
    log = world.database.with_name("kefu-lookups.jsonl")
    assert TEXT not in log.read_text(encoding="utf-8")
    assert log.stat().st_mode & 0o077 == 0


def test_a_day_is_shown_up_to_its_answers(world: Kefu) -> None:
    key = late_buyer(world)
    day = ("--date", LAST, "--reason", "x")
    done = world("lookup", key, *day, KEFU_BUYER_KEY=KEY)
    assert [line[:10] for line in done.stdout.splitlines()[1:]] == [LAST, LAST]
    assert log_of(world)[-1]["date"] == LAST


@pytest.mark.parametrize(
    ("change", "key", "told", "code"),
    [
        ({}, "f" * 32, "no buyer has this buyer_key", 3),
        ({}, "f" * 31, "32 hexadecimal digits", 2),
        ({"reason": " "}, "f" * 32, "--reason is empty", 2),
        ({"reason": "x" * 501}, "f" * 32, "more than 500", 2),
        ({"KEFU_BUYER_KEY": ""}, None, "set KEFU_BUYER_KEY", 3),
        ({"KEFU_BUYER_KEY": "another"}, None, "is not the key", 3),
        ({"mall": "m2"}, None, "no buyer of mall m2", 3),
    ],
)
def test_what_is_refused_shows_nothing(
    world: Kefu, change: dict, key: str | None, told: str, code: int
) -> None:
    before = len(log_of(world))
    mall = ("--mall-id", change["mall"]) if "mall" in change else ()
    reason = ("--reason", change.get("reason", "x"))
    secret = change.get("KEFU_BUYER_KEY", KEY)
    asked = key or late_buyer(world)
    done = world("lookup", asked, *mall, *reason, KEFU_BUYER_KEY=secret)
    assert (done.returncode, done.stdout) == (code, "")
    assert told in done.stderr and len(done.stderr.splitlines()) == 1
    # Who guesses at keys of buyers is on record too; who has no right did not look.
    assert len(log_of(world)) - before == (1 if "no buyer" in told else 0)


def test_no_look_up_without_a_reason(world: Kefu) -> None:
    done = world("lookup", "f" * 32, KEFU_BUYER_KEY=KEY)
    assert done.returncode == 2 and "--reason" in done.stderr


def test_nothing_is_shown_that_cannot_be_written_down(world: Kefu) -> None:
    log = world.database.with_name("kefu-lookups.jsonl")
    aside = log.with_name("aside")
    log.rename(aside)
    log.mkdir()
    try:
        done = world("lookup", late_buyer(world), "--reason", "x", KEFU_BUYER_KEY=KEY)
    finally:
        log.rmdir()
        aside.rename(log)
    assert (done.returncode, done.stdout) == (3, "")
    assert "nothing is shown" in done.stderr


def test_the_log_only_grows_and_survives_a_cut_line(tmp_path: Path) -> None:
    settings = Settings(tmp_path, tmp_path, tmp_path / "w.db", tmp_path, None, KEY)
    question = Question("0" * 32, None, None, "first\nline")
    write_down(settings, question, None)
    log = tmp_path / "kefu-lookups.jsonl"
    whole = log.read_bytes()
    log.write_bytes(whole + b'{"at": "cut sh')
    write_down(settings, question, Conversation("m1", []))
    assert log.read_bytes().startswith(whole)
    entries = look_ups(settings)
    assert [entry["mall_id"] for entry in entries] == [None, "m1"]
    assert entries[0]["reason"] == "first line"
    assert json.loads(whole)["messages"] == 0


def test_flags_are_those_of_the_figures() -> None:
    def flags(seconds: float | None, **more: bool) -> str:
        rest = {"is_assessed": True, "asks_for_reply": True, **more}
        return Message(
            None, "1", "buyer", None, **rest, response_seconds=seconds, content=None
        ).flags

    assert flags(180) == "answered after 180 s"
    assert flags(180.001) == "answered after 180 s, LATE by 3 min"
    assert flags(300.5) == "answered after 300 s, LATE by 5 min"
    assert flags(3600) == "answered after 3,600 s, LATE by 5 min"
    assert flags(None) == "no answer, LATE by 60 min"
    assert flags(None, is_assessed=False) == "no answer, not assessed"
    assert flags(None, asks_for_reply=False) == ""
    assert list(lines(Conversation("m1", []))) == ["mall m1, 0 messages"]
