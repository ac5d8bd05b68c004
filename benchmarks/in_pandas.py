"""Response figures by day in pandas: all rows in memory, one merge after another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.reading import ROOT, read_landing
from kefu.landing import FileGroup

LOCAL_MS = 28_800_000
DAY_MS = 86_400_000
TEXTS = ["mall_id", "msg_id", "buyer_uid", "from_role", "cs_uid", "assigned_cs_uid"]
TEXTS += ["template_name", "order_sn", "problem_code"]
FORM = ["mall_id", "msg_id", "buyer_uid", "from_role", "cs_uid", "assigned_cs_uid"]
FORM += ["type", "template_name", "content", "sent_at", "need_reply", "is_spam"]
FORM += ["order_sn", "problem_code"]
KEY = ["mall_id", "msg_id"]
CONVERSATION = ["mall_id", "buyer_uid"]


def tables(raw_root: Path, robots: list[tuple]) -> dict[str, pd.DataFrame]:
    """Return mall_kpi_daily and agent_kpi_daily with the columns of section 2.

    `robots` holds mall_id, cs_uid, first and last day of each period in which
    the roster calls an agent a robot. Parquet landings and default vars only.
    """
    assessed = assess(current_messages(raw_root), robots)
    agents = daily(assessed[assessed["cs"].notna()], ["mall_id", "cs"])
    return {
        "mall_kpi_daily": daily(assessed, ["mall_id"]),
        "agent_kpi_daily": agents.rename(columns={"cs": "cs_uid"}),
    }


def _typed(group: FileGroup) -> pd.DataFrame:
    frame = pd.concat(
        [
            pd.read_parquet(file.path, dtype_backend="pyarrow", partitioning=None)
            for file in group.files
        ]
    )
    frame.columns = [name.strip().lower() for name in frame.columns]
    wanted = [*TEXTS, "content", "type", "need_reply", "is_spam", "ts", "_loaded_at"]
    frame = frame.reindex(columns=wanted)

    def text(column: str) -> pd.Series:
        stripped = frame[column].astype("string").str.strip(" \t\r\n")
        return stripped.mask(stripped == "")

    def number(values: pd.Series, pattern: str) -> pd.Series:
        found = values.where(values.str.fullmatch(pattern).fillna(False))
        return pd.to_numeric(found, errors="coerce").astype("Int64")

    def flag(column: str) -> pd.Series:
        lowered = text(column).str.lower()
        words = {"true": True, "t": True, "yes": True, "1": True}
        words |= {"false": False, "f": False, "no": False, "0": False}
        return lowered.map(words).astype("boolean")

    def clock(values: pd.Series) -> pd.Series:
        shape = r"\d{4}-\d\d-\d\d [0-2]\d:[0-5]\d:[0-5]\d(?:\.\d+)?"
        found = values.where(values.str.fullmatch(shape).fillna(False))
        moments = pd.to_datetime(found, errors="coerce", format="ISO8601")
        return epoch_us(moments) // 1000

    unix = number(text("ts"), "[0-9]+")
    local = (unix.where(unix >= 100_000_000_000, unix * 1000) + LOCAL_MS).where(
        unix < 253_402_272_000_000
    )
    loaded = pd.to_datetime(frame["_loaded_at"].astype("datetime64[us]"))
    return pd.DataFrame(
        {
            **{column: text(column) for column in TEXTS},
            "content": frame["content"].astype("string"),
            "type": number(text("type"), r"[+-]?[0-9]+(?:\.0+)?"),
            "need_reply": flag("need_reply"),
            "is_spam": flag("is_spam"),
            "sent_at": local.fillna(clock(text("ts"))),
            "loaded_at": epoch_us(loaded),
        }
    )


def epoch_us(moments: pd.Series) -> pd.Series:
    """Return microseconds since 1970, shape as given, null where there is none."""
    numbers = moments.astype("datetime64[us]").astype("int64")
    return numbers.astype("Int64").mask(moments.isna())


def current_messages(raw_root: Path) -> pd.DataFrame:
    """Return the accepted messages, of each key the newest version."""
    groups = read_landing(raw_root).of_table("messages")
    rows = pd.concat([_typed(group) for group in groups], ignore_index=True)
    platform = pd.Timestamp("2015-09-01").value // 1_000_000
    is_accepted = (
        rows[["mall_id", "msg_id", "buyer_uid"]].notna().all(axis=1)
        & (rows["sent_at"] * 1000 <= rows["loaded_at"] + 32 * 3_600_000_000)
        & (rows["sent_at"] >= platform)
        & rows["from_role"].isin(["user", "mall_cs", "system"])
    )
    rows = rows[is_accepted.fillna(False)]
    is_repeated = rows.duplicated(KEY, keep=False)
    repeated = rows[is_repeated].copy()
    forms = repeated[FORM].assign(
        sent_at=repeated["sent_at"] - LOCAL_MS,
        need_reply=repeated["need_reply"].astype("string").str.lower(),
        is_spam=repeated["is_spam"].astype("string").str.lower(),
    )
    forms = forms.astype("string").fillna("")
    repeated["form"] = forms[FORM[0]].str.cat(
        [forms[name] for name in FORM[1:]], "\x1f"
    )
    newest = repeated.sort_values(["loaded_at", "form"]).drop_duplicates(
        KEY, keep="last"
    )
    kept = pd.concat([rows[~is_repeated], newest.drop(columns="form")])
    return kept.drop(columns="content")


def assess(messages: pd.DataFrame, robots: list[tuple]) -> pd.DataFrame:
    """Return buyers' and agents' messages with reply, responsible agent, flags."""
    rows = messages.copy()
    rows["day"] = rows["sent_at"] // DAY_MS
    days = sorted(rows["day"].unique())
    epoch = np.datetime64("1970-01-01")
    robot_days = {
        (mall, cs, day)
        for mall, cs, first, last in robots
        for day in days
        if (np.datetime64(first) - epoch).astype(int)
        <= day
        <= (np.datetime64(last) - epoch).astype(int)
    }
    robot_index = pd.MultiIndex.from_tuples(
        sorted(robot_days) or [("", "", 0)], names=["mall_id", "cs", "day"]
    )

    def is_robot(column: str) -> np.ndarray:
        keys = pd.MultiIndex.from_frame(rows[["mall_id", column, "day"]])
        return keys.isin(robot_index)

    template = rows["template_name"].fillna("")
    is_user = rows["from_role"] == "user"
    is_system = (
        (rows["from_role"] == "system")
        | rows["type"].isin([24, 31, 1002])
        | (is_user & rows["is_spam"].fillna(False))
    )
    rows["sender"] = np.select(
        [
            is_system.to_numpy(bool),
            is_user.to_numpy(bool),
            (template == "mall_robot_text_msg").to_numpy(bool) | is_robot("cs_uid"),
            (rows["cs_uid"].isna() | (template == "mall_answer_with_text")).to_numpy(
                bool
            ),
        ],
        [0, 1, 3, 4],
        default=2,
    )
    rows["own"] = rows["assigned_cs_uid"].mask(is_robot("assigned_cs_uid"))
    rows = rows[rows["sender"] > 0].sort_values([*CONVERSATION, "sent_at", "msg_id"])
    rows["conversation"] = rows.groupby(CONVERSATION, sort=False).ngroup()
    rows["position"] = np.arange(len(rows))
    is_agent, is_buyer = rows["sender"] == 2, rows["sender"] == 1
    by_conversation = rows["conversation"]

    def later(values: pd.Series) -> pd.Series:
        shifted = values.where(is_agent).groupby(by_conversation).shift(-1)
        return shifted.groupby(by_conversation).bfill()

    def earlier(values: pd.Series) -> pd.Series:
        shifted = values.where(is_agent).groupby(by_conversation).shift(1)
        return shifted.groupby(by_conversation).ffill()

    wait = later(rows["sent_at"]) - rows["sent_at"]
    is_replied = (is_buyer & (wait <= DAY_MS)).fillna(False)
    rows["response_ms"] = wait.where(is_replied)
    same_day = (earlier(rows["day"]) == rows["day"]).fillna(False)
    responsible = (
        later(rows["cs_uid"])
        .where(is_replied)
        .fillna(rows["own"])
        .fillna(earlier(rows["cs_uid"]).where(same_day))
    )
    rows["cs"] = rows["cs_uid"].where(is_agent, responsible)

    places = pd.DataFrame(
        {
            "conversation": rows["conversation"],
            "day": rows["day"],
            "agents": is_agent,
            "buyer": rows["position"].where(is_buyer),
            "robot": rows["position"].where(rows["sender"] == 3),
        }
    )
    found = places.groupby(["conversation", "day"]).agg(
        agents=("agents", "any"), buyer=("buyer", "max"), robot=("robot", "max")
    )
    robot_only = found[~found["agents"] & (found["robot"] > found["buyer"])].index
    exempt = pd.read_csv(ROOT / "seeds" / "exempt_dates.csv")["date_day"]
    exempt_days = (pd.to_datetime(exempt) - pd.Timestamp(0)).dt.days
    of_day = rows["sent_at"] % DAY_MS
    keys = pd.MultiIndex.from_frame(rows[["conversation", "day"]])
    rows["is_assessed"] = (
        is_buyer
        & rows["need_reply"].fillna(True)
        & (of_day >= 8 * 3_600_000)
        & (of_day < 23 * 3_600_000)
        & ~rows["day"].isin(exempt_days)
        & ~keys.isin(robot_only)
    ).astype(bool)
    return rows[rows["sender"] <= 2]


def daily(assessed: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return the figures by day of the entities that `keys` name."""
    by = [*keys, "day"]
    ms = assessed["response_ms"].where(assessed["is_assessed"]).astype("Float64")
    rows = assessed[[*by, "conversation", "position"]].assign(
        buyer_messages=assessed["sender"] == 1,
        agent_messages=assessed["sender"] == 2,
        assessed=assessed["is_assessed"],
        within_30s=(ms <= 30_000).fillna(False),
        ms=ms,
    )
    buyers = rows.groupby([*by, "conversation"], sort=False).agg(
        buyer_messages=("buyer_messages", "sum"),
        agent_messages=("agent_messages", "sum"),
        assessed=("assessed", "sum"),
        within_30s=("within_30s", "sum"),
        answered=("ms", "count"),
        total_ms=("ms", "sum"),
        slowest=("ms", "max"),
    )
    firsts = rows[rows["assessed"]].sort_values("position")
    firsts = firsts.drop_duplicates([*by, "conversation"])
    buyers["first_ms"] = firsts.set_index([*by, "conversation"])["ms"]
    asked = buyers["assessed"] > 0
    is_open = buyers["answered"] < buyers["assessed"]

    def late(limit: int) -> pd.Series:
        return asked & (is_open | (buyers["slowest"] > limit).fillna(False))

    wrote = buyers["buyer_messages"] > 0 if keys == ["mall_id"] else True
    days = (
        buyers.assign(
            consult_buyers=wrote,
            assessed_consult_buyers=asked,
            received_buyers=buyers["agent_messages"] > 0,
            late_buyers_3min=late(180_000),
            late_buyers_5min=late(300_000),
            ineffective_buyers=late(3_600_000),
            first_count=buyers["first_ms"].notna(),
        )
        .drop(columns="slowest")
        .groupby(by)
        .sum()
    )
    answers = rows[rows["ms"].notna()].groupby(by)["ms"]
    days["median_response_seconds"] = answers.quantile(0.5) / 1000
    days["p90_response_seconds"] = answers.quantile(0.9) / 1000
    days = days.rename(
        columns={
            "assessed": "assessed_messages",
            "within_30s": "messages_replied_30s",
            "answered": "answered_messages",
        }
    )

    def ratio(above: str, below: str, times: int = 1) -> pd.Series:
        divisor = days[below] * times
        return (days[above] / divisor.where(divisor != 0)).astype("Float64")

    days["reply_rate_30s"] = ratio("messages_replied_30s", "assessed_messages")
    days["avg_response_seconds"] = ratio("total_ms", "answered_messages", 1000)
    days["unanswered_messages"] = days["assessed_messages"] - days["answered_messages"]
    for late_column, rate in (
        ("late_buyers_3min", "reply_rate_3min"),
        ("late_buyers_5min", "reply_rate_5min"),
        ("ineffective_buyers", "effective_reply_rate"),
    ):
        days[rate] = 1 - ratio(late_column, "assessed_consult_buyers")
    days["first_response_seconds"] = ratio("first_ms", "first_count", 1000)
    days["answer_ask_ratio"] = ratio("agent_messages", "buyer_messages")
    days = days.drop(columns=["total_ms", "first_ms", "first_count"]).reset_index()
    days["service_date"] = pd.to_datetime(days["day"].astype("int64"), unit="D").dt.date
    return days.drop(columns="day")
