"""The invented data: same bytes, near the numbers asked for, nothing missing."""

import collections
import csv
import datetime as dt
import re
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest
from conftest import CONTRACT, ROOT, settings_of

from kefu import demo_data
from kefu.demo import broken, texts, world
from kefu.errors import KefuError
from kefu.raw_input import read_input

MEASURES = {
    *("experience_score", "peer_rank", "change_7d", "module_score"),
    *("platform_help_rate", "problem_help_orders", "problem_share"),
}
MALLS, DAYS, MESSAGES, SEED = 20, 45, 12_000, 7
FIRST_DAY = dt.date(2026, 9, 17)


def all_raw_rows(folder: Path) -> dict[str, list[dict]]:
    """The rows of every raw view over the folder, read in one go."""
    raw = read_input.__wrapped__(settings_of(folder))
    rows = {}
    with duckdb.connect() as connection:
        for statement in raw.prepare:
            connection.execute(statement)
        for table in CONTRACT:
            cursor = connection.execute(raw.queries[table])
            names = [column[0] for column in cursor.description]
            rows[table] = [
                dict(zip(names, row, strict=True)) for row in cursor.fetchall()
            ]
    return rows


class Landed:
    """What one call wrote: the folder, the counts, the rows as text."""

    def __init__(self, folder: Path, *arguments: int) -> None:
        self.folder = folder
        self.counts = demo_data.generate(folder, *arguments)
        self.rows = all_raw_rows(folder)

    def trimmed(self, table: str, column: str) -> list[str | None]:
        """One column without padding, empty as None."""
        return [(row[column] or "").strip() or None for row in self.rows[table]]


@pytest.fixture(scope="module")
def usual(tmp_path_factory) -> Landed:
    folder = tmp_path_factory.mktemp("usual")
    return Landed(folder, MALLS, DAYS, MESSAGES, SEED)


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Landed:
    return Landed(tmp_path_factory.mktemp("small"), 3, 7, 500, 2)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def unix_seconds(value: str | None) -> float | None:
    if value is None or not value.isdigit():
        return None
    number = int(value)
    return number / 1_000 if number >= 10**11 else float(number)


def test_the_same_arguments_give_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        demo_data.generate(tmp_path / name, 4, 9, 1_500, 11)
    demo_data.generate(tmp_path / "other", 4, 9, 1_500, 12)
    one = bytes_of(tmp_path / "one")
    assert one == bytes_of(tmp_path / "two")
    assert one != bytes_of(tmp_path / "other")


def test_the_end_date_moves_the_loads(tmp_path):
    demo_data.generate(tmp_path, 2, 3, 300, 1, end=dt.date(2025, 6, 18))
    loads = {path.name for path in (tmp_path / "messages").iterdir()}
    assert loads == {f"load_date=2025-06-{day}" for day in (16, 17, 18)}


def test_every_file_has_the_columns_of_the_contract(usual):
    for table, contract in CONTRACT.items():
        files = [path for path in (usual.folder / table).rglob("*") if path.is_file()]
        assert files, table
        for path in files:
            if path.suffix == ".parquet":
                columns = pq.read_schema(path).names
            elif path.suffix == ".csv":
                columns = path.read_text(encoding="utf-8").split("\n")[0].split(",")
            else:
                continue
            assert columns == list(contract.columns), path


def test_all_three_formats_are_there(usual):
    formats = {path.suffix for path in usual.folder.rglob("*") if path.is_file()}
    assert formats == {".parquet", ".csv", ".jsonl"}


def test_the_counts_are_those_of_the_files(usual, small):
    for landed in (usual, small):
        for table in CONTRACT:
            assert landed.counts[table] == len(landed.rows[table]), table
            assert landed.counts[table] > 0, table


@pytest.mark.parametrize(
    ("malls", "days", "messages"), [(1, 5, 2_000), (12, 1, 2_000), (30, 20, 8_000)]
)
def test_messages_come_near_the_number_asked_for(tmp_path, malls, days, messages):
    counts = demo_data.generate(tmp_path, malls, days, messages, 3)
    assert abs(counts["messages"] - messages) <= 0.02 * messages


def test_load_dates_are_the_utc_dates_of_the_loads(usual):
    for table, rows in usual.rows.items():
        for row in rows:
            if row["_loaded_at"] is not None:
                assert row["_loaded_at"][:10] == str(row["load_date"]), table


# What the contract rejects, said again here on the text as it landed.
def blank(column):
    return lambda row: not (row[column] or "").strip()


def text(column):
    return lambda row: bool(row[column]) and not re.search(r"\d", row[column])


def outside(column, allowed):
    return lambda row: row[column] is not None and row[column] not in allowed


def too_early(column):
    return lambda row: 0 <= (unix_seconds(row[column]) or 2e9) < 1_441_036_800


def too_late(column):
    def holds(row):
        if row["_loaded_at"] is None:
            return False
        loaded = dt.datetime.fromisoformat(row["_loaded_at"][:19]).replace(
            tzinfo=dt.UTC
        )
        return (unix_seconds(row[column]) or 0) > loaded.timestamp() + 86_400

    return holds


def number_outside(column, low, high):
    def holds(row):
        try:
            return not low <= float(row[column]) <= high
        except (TypeError, ValueError):
            return False

    return holds


def event(column):
    return [blank(column), text(column), too_early(column), too_late(column)]


LIABILITY = outside("liability", {"merchant", "buyer", "platform", "none"})
REJECTED = {
    "messages": [
        *map(blank, ("mall_id", "msg_id", "buyer_uid", "from_role", "_loaded_at")),
        *event("ts"),
        outside("from_role", {"user", "mall_cs", "system"}),
    ],
    "orders": [
        *map(blank, ("mall_id", "order_sn", "created_time", "_loaded_at")),
        lambda row: row["created_time"] == "0000-00-00 00:00:00",
        lambda row: row["created_time"] == "10月3日",
        lambda row: (
            "-" in (row["created_time"] or "")
            and "0001" < row["created_time"] < "2015-09-01"
        ),
        lambda row: (
            (row["created_time"] or "")[:10]
            >= str(row["load_date"] + dt.timedelta(days=2))
            and row["created_time"].startswith("20")
        ),
        number_outside("pay_amount", 0, 1e9),
        number_outside("goods_count", 0, 1e9),
        text("pay_amount"),
        text("goods_count"),
    ],
    "refunds": [
        *map(blank, ("mall_id", "id", "_loaded_at")),
        *event("created_time"),
        LIABILITY,
        number_outside("refund_amount", 0, 1e9),
        text("refund_amount"),
    ],
    "complaints": [
        *map(blank, ("mall_id", "complaint_id", "buyer_uid", "channel", "_loaded_at")),
        *event("created_time"),
        LIABILITY,
        outside("channel", {"platform_online_cs", "platform_hotline", "complaint"}),
    ],
    "malls": [*map(blank, ("mall_id", "_loaded_at"))],
    "agents": [*map(blank, ("mall_id", "cs_uid", "_loaded_at"))],
    "agent_shifts": [
        *map(blank, ("mall_id", "cs_uid", "start_at", "end_at", "_loaded_at")),
        text("start_at"),
        text("end_at"),
        lambda row: row["start_at"] is not None and row["end_at"] == row["start_at"],
        lambda row: (row["end_at"] or "9") < (row["start_at"] or ""),
    ],
    "ratings": [
        *map(blank, ("mall_id", "rating_id", "score", "_loaded_at")),
        *event("created_time"),
        number_outside("score", 1, 5),
        text("score"),
    ],
    "quality_reviews": [
        *map(blank, ("mall_id", "review_id", "service_date", "_loaded_at")),
        lambda row: row["service_date"] == "2026/31/12",
        lambda row: (row["service_date"] or "9") < "2015-09-01",
        lambda row: (
            str(row["service_date"]) > str(row["load_date"] + dt.timedelta(days=2))
        ),
        *(
            number_outside(item, 1, 10)
            for item in (
                "problem_solving",
                "communication",
                "professionalism",
                "after_sales",
            )
        ),
    ],
    "excluded_buyers": [*map(blank, ("buyer_uid", "_loaded_at"))],
    "official_agent_kpi": [
        *map(blank, ("mall_id", "row_type", "period_end", "_loaded_at")),
        outside("row_type", {"mall_total", "mall_average", "agent"}),
        lambda row: row["row_type"] == "agent" and blank("cs_account")(row),
        text("period_end"),
        lambda row: (row["period_end"] or "9") < "2015-09-01",
        lambda row: (row["period_start"] or "") > (row["period_end"] or "9"),
        lambda row: (
            (row["period_end"] or "")[:1] == "2"
            and str(row["period_end"]) > str(row["load_date"] + dt.timedelta(days=2))
        ),
    ],
    "official_experience_score": [
        *map(blank, ("mall_id", "measure", "as_of_date", "value", "_loaded_at")),
        outside("measure", MEASURES),
        text("as_of_date"),
        text("value"),
        lambda row: (row["as_of_date"] or "9") < "2015-09-01",
        lambda row: (
            str(row["as_of_date"])[:1] == "2"
            and str(row["as_of_date"]) > str(row["load_date"] + dt.timedelta(days=2))
        ),
    ],
}


@pytest.mark.parametrize("table", REJECTED)
def test_every_kind_of_rejected_row_is_in_even_the_small_set(usual, small, table):
    for landed in (small, usual):
        for number, rule in enumerate(REJECTED[table]):
            assert any(map(rule, landed.rows[table])), (table, number)


@pytest.mark.parametrize("table", REJECTED)
def test_broken_rows_are_those_that_were_meant_to_be(usual, table):
    meant = sum(case.outcome == broken.REJECTED for case in broken.CASES[table])
    found = sum(any(rule(row) for rule in REJECTED[table]) for row in usual.rows[table])
    assert found == meant


def test_unreadable_values_that_become_null_are_there(small):
    expected = {
        "messages": {"type": "text", "need_reply": "maybe", "is_spam": "2"},
        "orders": {"updated_at": "n/a", "group_status": "grouped"},
        "refunds": {"sign_time": "已签收", "after_sales_status": "done"},
        "complaints": {"is_valid": "待定"},
        "malls": {"opened_on": "去年", "merchant_type": "旗舰店"},
        "agents": {"is_robot": "perhaps", "valid_to": "长期"},
        "quality_reviews": {"communication": "良"},
        "excluded_buyers": {"valid_to": "永久"},
        "official_agent_kpi": {"consult_buyers": "--", "reply_rate_3min": "91.67%"},
    }
    for table, values in expected.items():
        for column, value in values.items():
            assert value in {row[column] for row in small.rows[table]}, (table, column)


def test_categories_of_the_usual_twenty_shops():
    kinds, category, categories = world.mall_plan(20)
    listed = category[kinds != world.UNLISTED]
    assert sorted(np.bincount(listed)) == [2, 8, 9]
    assert len(categories) == 3
    assert collections.Counter(kinds.tolist())[world.CHAT_ONLY] == 1
    assert collections.Counter(kinds.tolist())[world.UNLISTED] == 1


@pytest.mark.parametrize("malls", [20, 24, 60, 300])
def test_big_categories_have_eight_shops_and_one_has_two(malls):
    kinds, category, _ = world.mall_plan(malls)
    assert len(kinds) == malls
    sizes = sorted(np.bincount(category[kinds != world.UNLISTED]))
    assert sizes[0] == 2
    assert min(sizes[1:]) >= 8
    assert len(sizes) >= 3
    assert world.LOW_VOLUME in kinds


def test_shops_sell_as_their_kind_says(usual):
    """Regular shops reach 100 grouped orders in 30 days, small ones do not."""
    place = world.build(np.random.default_rng(SEED), MALLS, DAYS, demo_data.DEFAULT_END)
    grouped = collections.defaultdict(set)
    for row in usual.rows["orders"]:
        when = row["confirm_time"] or ""
        if row["group_status"] == "1" and when[:4] == "2026" and when > "2026-10-02":
            grouped[(row["mall_id"] or "").strip()].add(row["order_sn"].strip())
    chatting = set(usual.trimmed("messages", "mall_id")) - {None}
    assert chatting == set(place.mall_id)
    assert set(usual.trimmed("malls", "mall_id")) - {None} == set(
        place.mall_id[place.mall_kind != world.UNLISTED]
    )
    for mall, kind in zip(place.mall_id, place.mall_kind, strict=True):
        orders = len(grouped[mall])
        if kind == world.REGULAR:
            assert orders >= 100
        elif kind == world.LOW_VOLUME:
            assert 0 < orders < 100
        elif kind == world.CHAT_ONLY:
            assert orders == 0


def test_late_repeated_and_changed_rows(usual):
    by_key = collections.defaultdict(list)
    late = 0
    for row in usual.rows["messages"]:
        if None in (row["msg_id"], row["mall_id"], row["_loaded_at"]):
            continue
        by_key[(row["mall_id"].strip(), row["msg_id"].strip())].append(row)
        sent = unix_seconds(row["ts"])
        loaded = dt.datetime.fromisoformat(row["_loaded_at"]).replace(tzinfo=dt.UTC)
        late += sent is not None and loaded.timestamp() - sent > 3 * 86_400
    assert late > 10
    several = [rows for key, rows in by_key.items() if len(rows) > 1 and key[1]]
    contents = [
        {
            tuple(
                value
                for name, value in row.items()
                if name in CONTRACT["messages"].columns
                and name not in ("_loaded_at", "_source_file")
            )
            for row in rows
        }
        for rows in several
    ]
    loads = [{row["_loaded_at"] for row in rows} for rows in several]
    pairs = list(zip(contents, loads, strict=True))
    assert any(len(content) == 1 and len(load) == 1 for content, load in pairs)
    assert any(len(content) == 1 and len(load) > 1 for content, load in pairs)
    assert any(len(content) > 1 for content, _ in pairs)


def test_files_are_not_in_the_order_of_time(usual):
    path = usual.folder / "messages" / "load_date=2026-10-10" / "part-0000.parquet"
    sent = [unix_seconds(str(ts)) for ts in pq.read_table(path)["ts"].to_pylist()]
    falls = sum(after < before for before, after in zip(sent, sent[1:], strict=False))
    assert 0 < falls < len(sent) / 4


def test_orders_are_landed_again_when_their_state_changes(usual):
    versions = collections.defaultdict(list)
    for row in usual.rows["orders"]:
        if row["order_sn"] and row["updated_at"]:
            versions[row["order_sn"].strip()].append(row)
    assert (
        max(len({row["updated_at"] for row in rows}) for rows in versions.values()) > 3
    )
    stale = sum(
        first["updated_at"] < second["updated_at"]
        and (first["_loaded_at"] or "") > (second["_loaded_at"] or "")
        for rows in versions.values()
        for first in rows
        for second in rows
    )
    assert stale > 0
    for column, wanted in {
        "refund_status": {"1", "2", "4"},
        "confirm_status": {"0", "1", "2"},
        "group_status": {"0", "1", "2"},
        "risk_control_status": {None, "0", "1"},
        "is_lucky_flag": {None, "1", "2"},
    }.items():
        assert wanted <= {row[column] for row in usual.rows["orders"]}, column


def test_refunds_take_every_road(usual):
    rows = usual.rows["refunds"]
    statuses = {row["after_sales_status"] for row in rows}
    assert {"0", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"} <= statuses
    assert any(row["join_or_not"] == "1" for row in rows)
    assert any(row["dispute_refund_status"] == "1" for row in rows)
    assert any(row["sign_time"] for row in rows)
    success = [row for row in rows if row["after_sales_status"] == "10"]
    assert {True, False} == {row["refund_success_time"] is None for row in success}


def test_conversations_show_each_kind_of_message(usual):
    rows = usual.rows["messages"]
    kinds = {(row["from_role"], row["type"]) for row in rows}
    assert {
        ("user", kind) for kind in ("0", "1", "5", "14", "41", "64", "1002", None)
    } <= kinds
    assert {
        ("mall_cs", kind) for kind in ("0", "1", "5", "8", "24", "31", "1002")
    } <= kinds
    assert {"mall_robot_text_msg", "mall_answer_with_text", None} == {
        row["template_name"] for row in rows
    }
    assert {"true", "false", None} <= {row["need_reply"] for row in rows}
    assert sum(row["is_spam"] == "true" for row in rows) > 5
    rostered = set(usual.trimmed("agents", "cs_uid"))
    robots = {
        row["cs_uid"].strip()
        for row in usual.rows["agents"]
        if row["cs_uid"] and (row["is_robot"] or "").lower() in ("true", "yes")
    }
    writers = set(usual.trimmed("messages", "cs_uid")) - {None}
    assert writers & robots
    assert writers - rostered
    padded = [row for row in rows if (row["order_sn"] or "").startswith("\t")]
    assert padded


def test_answers_are_late_over_night_and_missing(usual):
    chats = collections.defaultdict(dict)
    for row in usual.rows["messages"]:
        sent = unix_seconds(row["ts"])
        if sent and row["buyer_uid"] and row["mall_id"] and row["msg_id"]:
            key = (row["mall_id"].strip(), row["buyer_uid"].strip())
            chats[key][row["msg_id"].strip()] = (sent, row)
    waits, unanswered, after_23 = [], 0, 0
    for messages in chats.values():
        asked = None
        for sent, row in sorted(messages.values(), key=lambda pair: pair[0]):
            is_person = row["cs_uid"] and not row["template_name"]
            if row["from_role"] == "user":
                asked = sent if asked is None else asked
            elif is_person and row["type"] in ("0", None) and asked is not None:
                waits.append(sent - asked)
                hours = [(moment / 3_600 + 8) % 24 for moment in (asked, sent)]
                after_23 += hours[0] < 23 <= hours[1]
                asked = None
        unanswered += asked is not None
    assert 10 < np.median(waits) < 120
    assert max(waits) > 24 * 3_600
    assert unanswered > 50
    assert after_23 > 0


def test_shifts_cross_midnight_and_lie_ahead(usual):
    rows = [
        row for row in usual.rows["agent_shifts"] if row["start_at"] and row["end_at"]
    ]
    assert any(
        row["start_at"][11:13] in ("15", "22")
        and row["end_at"][:10] > row["start_at"][:10]
        for row in rows
    )
    assert any(
        row["start_at"][:10] > str(row["load_date"] + dt.timedelta(days=2))
        for row in rows
    )


def test_complaints_use_every_channel_and_some_do_not_hold(usual):
    rows = usual.rows["complaints"]
    assert {"platform_online_cs", "platform_hotline", "complaint"} <= {
        row["channel"] for row in rows
    }
    assert any((row["is_valid"] or "").lower() == "false" for row in rows)
    known = set(usual.trimmed("orders", "order_sn"))
    assert set(usual.trimmed("complaints", "order_sn")) - known - {None}


# The wordings and the dictionary.


@pytest.fixture(scope="module")
def dictionary() -> list[tuple[re.Pattern, str]]:
    with (ROOT / "seeds" / "problem_keywords.csv").open(encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: int(row["priority"]))
    return [(re.compile(row["pattern"]), row["problem_code"]) for row in rows]


@pytest.fixture(scope="module")
def problems() -> dict[str, dict[str, str]]:
    with (ROOT / "seeds" / "problems.csv").open(encoding="utf-8") as file:
        return {row["problem_code"]: row for row in csv.DictReader(file)}


def matched(dictionary, words: str) -> str | None:
    return next((code for pattern, code in dictionary if pattern.search(words)), None)


def test_the_problems_are_those_of_the_seed(problems):
    for code, (module, _, _) in texts.PROBLEMS.items():
        assert problems[code]["module"] == module
        assert problems[code]["is_routine"] == "false"
    for code in texts.ROUTINE:
        assert problems[code]["is_routine"] == "true"
    assert not set(texts.STRANGE_CODES) & set(problems)


def test_the_dictionary_knows_nearly_every_wording(dictionary):
    example = {slot: values[0] for slot, values in texts.SLOTS.items()}
    example |= {"goods": "针织开衫", "order": "261003-123456789012345"}
    subjects = {code: one[2] for code, one in texts.PROBLEMS.items()} | texts.ROUTINE
    pairs = [
        (code, matched(dictionary, wording.format(**example)))
        for code, wordings in subjects.items()
        for wording in wordings
    ]
    hits = sum(code == found for code, found in pairs)
    assert hits / len(pairs) >= 0.9


def test_a_realistic_share_of_buyers_words_is_a_problem(usual, dictionary, problems):
    spoken = [
        row["content"]
        for row in usual.rows["messages"]
        if row["from_role"] == "user" and row["is_spam"] != "true"
    ][::4]
    found = [matched(dictionary, words) if words else None for words in spoken]
    hits = [code for code in found if code]
    assert 0.10 < len(hits) / len(spoken) < 0.22
    real = [code for code in hits if problems[code]["is_routine"] == "false"]
    assert 0.07 < len(real) / len(spoken) < 0.16
    assert {problems[code]["module"] for code in real} == set(texts.MODULES)


def test_an_upstream_code_is_rare_and_sometimes_unknown(usual, problems):
    codes = [
        row["problem_code"]
        for row in usual.rows["messages"]
        if row["from_role"] == "user"
    ]
    given = [code for code in codes if code]
    assert 0.005 < len(given) / len(codes) < 0.05
    assert set(given) - set(problems)
    assert set(given) & set(problems)


def test_every_slot_is_filled(usual):
    for row in usual.rows["messages"]:
        assert "{" not in (row["content"] or "")


# What is refused.


@pytest.mark.parametrize(
    "numbers", [(0, 5, 100, 1), (3, 0, 100, 1), (3, 5, -1, 1), (3, 5, 100, -1)]
)
def test_impossible_numbers_are_refused(tmp_path, numbers):
    with pytest.raises(KefuError, match="must lie between"):
        demo_data.generate(tmp_path / "new", *numbers)
    assert not (tmp_path / "new").exists()


def test_a_folder_with_raw_data_is_left_alone(tmp_path):
    kept = tmp_path / "orders" / "load_date=2026-01-01" / "real.parquet"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"kept")
    with pytest.raises(KefuError, match="already holds raw data"):
        demo_data.generate(tmp_path, 2, 2, 50, 1)
    assert bytes_of(tmp_path) == {kept.relative_to(tmp_path).as_posix(): b"kept"}
