"""The analyses, as dbt compiles them, against the same figures made in Python.

All run on the database that the demo run left behind, and on a copy with what
the demo does not have.
"""

import csv
import datetime as dt
import shutil
import statistics
from collections import Counter, defaultdict
from fractions import Fraction

import duckdb
import pytest
from conftest import ROOT
from reference.experience import Curve, half_tie_percentile

DAY = dt.timedelta(days=1)
GRAINS = {
    "peaks_and_troughs": ("mall_id", "iso_weekday", "hour_of_day"),
    "agent_across_shifts": ("shift_name", "who"),
    "kpis_against_targets": ("mall_id", "cs_uid", "service_date", "metric"),
    "period_over_period": ("scope", "mall_id", "cs_uid", "metric"),
    "season_against_days_around": ("mall_id", "starts_on", "figure"),
    "score_gap": ("mall_id", "module"),
    "score_contributions": ("mall_id", "module", "problem_code"),
}
# One more compilation with every var set; the dates are those of the demo.
VARS = (
    "{period_days: 30, load_days: 7, score_target: 3.5,"
    " date_from: 2026-10-11, date_to: 2026-10-25}"
)


def near(expected):
    """Equal but for the last digits of a float; NULL is only equal to NULL."""
    return None if expected is None else pytest.approx(expected, rel=1e-9, abs=1e-9)


def rows_of(connection, sql):
    cursor = connection.execute(sql)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def quotient(numerator, denominator):
    return numerator / denominator if denominator else None


def seed(name):
    with (ROOT / f"seeds/{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def compiled(demo):
    """SQL of the analyses by way and name: with the defaults, and with VARS."""
    world, _ = demo

    def compile_all(*options):
        done = world("dbt", "compile", "--select", "path:analyses", *options)
        assert done.returncode == 0, done.stdout + done.stderr
        folder = world.home / "target/compiled/kefu_warehouse/analyses"
        return {path.stem: path.read_text("utf-8") for path in folder.glob("*.sql")}

    default, with_vars = compile_all(), compile_all("--vars", VARS)
    return {"default": default, "vars": with_vars, "altered": default}


# The second is one of the three days after the first; of the third the data
# hold four days and none after it.
SEASONS = [
    ("long", dt.date(2026, 10, 6), dt.date(2026, 10, 8)),
    ("short", dt.date(2026, 10, 10), dt.date(2026, 10, 10)),
    ("late", dt.date(2026, 10, 28), dt.date(2026, 11, 11)),
]
YOUNG_SINCE = dt.date(2026, 10, 20)
# What the demo lacks: sale seasons, a mall that began not long ago, and weights
# that are neither equal nor add up to 1, with the scores that they give.
ALTERATIONS = [
    *(
        f"update marts.dim_dates set sale_season = '{name}'"
        f" where date_day between '{first}' and '{last}'"
        for name, first, last in SEASONS
    ),
    "set variable young = (select max(mall_id) from marts.mall_kpi_daily)",
    *(
        f"delete from marts.{table}"
        f" where mall_id = getvariable('young') and {day} < '{YOUNG_SINCE}'"
        for table, day in (
            ("mall_kpi_daily", "service_date"),
            ("mall_kpi_30d", "as_of_date"),
            ("hourly_load", "service_date"),
            ("help_seeking_daily", "request_date"),
        )
    ),
    "update marts.experience_module_scores_30d set weight ="
    " case module when 'goods' then 2 when 'attitude' then 0.5 else 1 end",
    """
    update marts.experience_score_30d as scores
    set experience_score = averaged.score
    from (
        select mall_id, as_of_date, sum(weight * module_score) / sum(weight) as score
        from marts.experience_module_scores_30d
        group by all
    ) as averaged
    where
        scores.mall_id = averaged.mall_id
        and scores.as_of_date = averaged.as_of_date
        and scores.score_status = 'scored'
    """,
]


@pytest.fixture(scope="module")
def databases(demo, tmp_path_factory):
    """The demo's database, and what of it to ask: as it is, and altered."""
    world, _ = demo
    altered = tmp_path_factory.mktemp("altered") / world.database.name
    shutil.copyfile(world.database, altered)
    with duckdb.connect(str(altered)) as connection:
        for statement in ALTERATIONS:
            connection.execute(statement)
    with (
        duckdb.connect(str(world.database), read_only=True) as as_it_is,
        duckdb.connect(str(altered), read_only=True) as changed,
    ):
        yield {"default": as_it_is, "vars": as_it_is, "altered": changed}


@pytest.fixture(scope="module")
def answers(compiled, databases):
    """Rows of every analysis by way and name."""
    return {
        (way, name): rows_of(databases[way], sql)
        for way, analyses in compiled.items()
        for name, sql in analyses.items()
    }


def last_day(database):
    return database.execute(
        "select max(as_of_date) from marts.mall_kpi_30d"
    ).fetchone()[0]


def first_days(database):
    return dict(
        database.execute(
            "select mall_id, min(service_date) from marts.mall_kpi_daily group by 1"
        ).fetchall()
    )


# --- all of them -----------------------------------------------------------


def test_every_analysis_is_held_here():
    assert {path.stem for path in (ROOT / "analyses").glob("*.sql")} == set(GRAINS)


@pytest.mark.parametrize("way", ["default", "vars"])
@pytest.mark.parametrize("name", sorted(set(GRAINS) - {"season_against_days_around"}))
def test_each_grain_is_unique(answers, way, name):
    rows = answers[way, name]
    keys = Counter(tuple(row[column] for column in GRAINS[name]) for row in rows)
    assert keys
    assert {key: times for key, times in keys.items() if times > 1} == {}


def test_every_column_is_described(answers):
    import yaml  # noqa: PLC0415

    for name in sorted(set(GRAINS) - {"season_against_days_around"}):
        text = (ROOT / f"analyses/{name}.yml").read_text("utf-8")
        described = [c["name"] for c in yaml.safe_load(text)["analyses"][0]["columns"]]
        assert sorted(described) == sorted(answers["default", name][0]), name


# --- peaks and troughs -----------------------------------------------------


@pytest.mark.parametrize(
    ("way", "days"), [("default", 28), ("vars", 7), ("altered", 28)]
)
def test_peaks_are_means_over_all_days(answers, databases, way, days):
    database = databases[way]
    last, firsts = last_day(database), first_days(database)
    sums = defaultdict(Counter)
    for row in rows_of(database, "select * from marts.hourly_load"):
        if last - days * DAY < row["service_date"] <= last:
            key = row["mall_id"], row["service_date"].isoweekday(), row["hour_of_day"]
            for name, figure in row.items():
                if isinstance(figure, int) and name != "hour_of_day":
                    sums[key][name] += figure
    expected = {}
    for mall, first in firsts.items():
        there = [day for day in (last - n * DAY for n in range(days)) if day >= first]
        for weekday, count in Counter(day.isoweekday() for day in there).items():
            for hour in range(24):
                summed = sums[mall, weekday, hour]
                expected[mall, weekday, hour] = {
                    "days_counted": count,
                    "mean_messages": summed["messages"] / count,
                    "mean_buyer_messages": summed["buyer_messages"] / count,
                    "mean_agent_messages": summed["agent_messages"] / count,
                    "mean_buyers": summed["buyers"] / count,
                    "mean_active_agents": summed["active_agents"] / count,
                    "assessed_messages": summed["assessed_messages"],
                    "messages_replied_30s": summed["messages_replied_30s"],
                    "reply_rate_30s": quotient(
                        summed["messages_replied_30s"], summed["assessed_messages"]
                    ),
                    "buyers_per_active_agent": quotient(
                        summed["buyers"], summed["active_agents"]
                    ),
                }
    rows = answers[way, "peaks_and_troughs"]
    found = {
        (row["mall_id"], row["iso_weekday"], row["hour_of_day"]): row for row in rows
    }
    assert set(found) == set(expected)
    means = defaultdict(list)
    for (mall, _, _), figures in expected.items():
        means[mall].append(figures["mean_messages"])
    for key, figures in expected.items():
        row, others = found[key], means[key[0]]
        mean = figures["mean_messages"]
        assert {name: row[name] for name in figures} == figures, key
        assert row["busiest_rank"] == 1 + sum(other > mean for other in others)
        assert row["quietest_rank"] == 1 + sum(other < mean for other in others)


# --- one agent across shifts -----------------------------------------------

SUMS = (
    "consult_buyers",
    "assessed_consult_buyers",
    "received_buyers",
    "assessed_messages",
    "messages_replied_30s",
    "answered_messages",
    "unanswered_messages",
    "late_buyers_3min",
    "late_buyers_5min",
    "ineffective_buyers",
    "first_responses",
    "agent_messages",
    "buyer_messages",
)


@pytest.mark.parametrize("way", ["default", "vars"])
def test_shifts_are_made_anew_from_sums_and_messages(answers, databases, way):
    database = databases[way]
    first, last = (
        (dt.date(2026, 10, 11), dt.date(2026, 10, 25))
        if way == "vars"
        else (last_day(database) - 29 * DAY, last_day(database))
    )
    period = f"service_date between '{first}' and '{last}'"
    days = rows_of(
        database, f"select * from marts.agent_kpi_shift_daily where {period}"
    )
    written = Counter()
    for row in days:
        written[row["mall_id"], row["cs_uid"]] += row["agent_messages"]
    mall, agent = min(written, key=lambda key: (-written[key], *key))
    side = {True: "agent", False: "colleagues"}
    groups, agents, seconds = defaultdict(list), defaultdict(set), defaultdict(list)
    for row in days:
        if row["mall_id"] == mall:
            key = row["shift_name"], side[row["cs_uid"] == agent]
            groups[key].append(row)
            agents[key].add(row["cs_uid"])
    for shift, cs_uid, waited in database.execute(
        "select shift_name, responsible_cs_uid, response_seconds"
        f" from marts.fct_buyer_messages where {period} and mall_id = ?"
        " and is_assessed and response_seconds is not null",
        [mall],
    ).fetchall():
        seconds[shift, side[cs_uid == agent]].append(waited)
    rows = {
        (row["shift_name"], row["who"]): row
        for row in answers[way, "agent_across_shifts"]
    }
    assert set(rows) == set(groups)
    assert {who for _, who in rows} == {"agent", "colleagues"}
    for key, members in groups.items():
        row, waits = rows[key], seconds[key]
        total = {name: sum(member[name] for member in members) for name in SUMS}
        assert (row["mall_id"], row["cs_uid"]) == (mall, agent)
        assert row["agents"] == len(agents[key])
        assert row["days_worked"] == len({day["service_date"] for day in members})
        assert {name: row[name] for name in SUMS} == total
        assert len(waits) == total["answered_messages"]
        assert row["reply_rate_30s"] == quotient(
            total["messages_replied_30s"], total["assessed_messages"]
        )
        for late, rate in (
            ("late_buyers_3min", "reply_rate_3min"),
            ("late_buyers_5min", "reply_rate_5min"),
            ("ineffective_buyers", "effective_reply_rate"),
        ):
            buyers = total["assessed_consult_buyers"]
            on_time = quotient(buyers - total[late], buyers)
            assert row[rate] == near(on_time)
        assert row["answer_ask_ratio"] == quotient(
            total["agent_messages"], total["buyer_messages"]
        )
        assert row["avg_response_seconds"] == near(
            statistics.fmean(waits) if waits else None
        )
        assert row["median_response_seconds"] == near(
            statistics.median(waits) if waits else None
        )
        assert row["first_response_seconds"] == near(
            quotient(
                sum(
                    day["first_response_seconds"] * day["first_responses"]
                    for day in members
                    if day["first_responses"]
                ),
                total["first_responses"],
            )
        )


# --- this period against the one before ------------------------------------


@pytest.mark.parametrize("scope", ["mall", "agent"])
def test_thirty_days_are_those_of_the_30_day_tables(answers, databases, scope):
    """Every value of both periods against the table that has it by another way."""
    database = databases["vars"]
    last = last_day(database)
    table = {
        (row["mall_id"], row.get("cs_uid"), row["as_of_date"]): row
        for row in rows_of(database, f"select * from marts.{scope}_kpi_30d")
    }
    checked = Counter()
    for row in answers["vars", "period_over_period"]:
        if row["scope"] != scope:
            continue
        for value, end in (("value_now", last), ("value_before", last - 30 * DAY)):
            there = table.get((row["mall_id"], row["cs_uid"], end))
            if there is None:
                assert not row[value], row
            else:
                expected = there[row["metric"]]
                expected = None if expected is None else float(expected)
                assert row[value] == near(expected), (row, value)
                checked[row["metric"]] += 1
    # Every metric of the daily table but those that do not add up over days.
    daily = set(rows_of(database, f"select * from marts.{scope}_kpi_daily limit 1")[0])
    assert daily - set(checked) == {
        "mall_id",
        "service_date",
        "is_conversion_final",
        "is_response_final",
        "median_response_seconds",
        "p90_response_seconds",
        *({"cs_uid", "max_concurrent_buyers"} if scope == "agent" else ()),
        *(
            {"platform_intervention_orders", "platform_intervention_rate"}
            if scope == "mall"
            else ()
        ),
    }


def test_seven_days_add_up_and_compare(answers, databases):
    database = databases["default"]
    last = last_day(database)
    sums = {"now": Counter(), "before": Counter()}
    for scope in ("mall", "agent"):
        for row in rows_of(database, f"select * from marts.{scope}_kpi_daily"):
            age = (last - row["service_date"]).days
            for name in ("assessed_messages", "messages_replied_30s", "sales_amount"):
                if age < 14:
                    key = scope, row["mall_id"], row.get("cs_uid"), name
                    sums["now" if age < 7 else "before"][key] += row[name]
    rows = answers["default", "period_over_period"]
    assert {row["metric"] for row in rows if not row["is_final"]} <= {
        row["metric"] for row in seed("metrics") if row["section"] == "pre_sale"
    }
    seen = Counter()
    for row in rows:
        who = row["scope"], row["mall_id"], row["cs_uid"]
        for period, added in sums.items():
            if row["metric"] in ("assessed_messages", "sales_amount"):
                expected = float(added[*who, row["metric"]])
                assert row[f"value_{period}"] == near(expected)
                seen[row["metric"]] += 1
            if row["metric"] == "reply_rate_30s":
                replied = added[*who, "messages_replied_30s"]
                assessed = added[*who, "assessed_messages"]
                assert row[f"numerator_{period}"] == replied
                assert (row[f"denominator_{period}"] or 0) == assessed
                assert row[f"value_{period}"] == quotient(replied, assessed)
                seen[row["metric"]] += 1
        if row["value_now"] is not None and row["value_before"] is not None:
            assert row["difference"] == row["value_now"] - row["value_before"]
            assert row["relative_difference"] == near(
                quotient(row["difference"], row["value_before"])
            )
        else:
            assert row["difference"] is row["relative_difference"] is None
    assert len(seen) == 3


def test_newest_conversions_are_not_final(answers):
    finals = {
        (row["metric"], row["is_final"])
        for row in answers["default", "period_over_period"]
        if row["scope"] == "mall"
    }
    assert ("inquiry_conversion_rate", False) in finals
    assert ("reply_rate_30s", True) in finals


# --- sale seasons ----------------------------------------------------------


def test_there_is_no_season_in_the_demo(answers):
    assert answers["default", "season_against_days_around"] == []


def test_seasons_are_set_against_as_many_days_around(answers, databases):
    database = databases["altered"]
    rows = answers["altered", "season_against_days_around"]
    last, firsts = last_day(database), first_days(database)
    kpis = {
        (row["mall_id"], row["service_date"]): row
        for row in rows_of(database, "select * from marts.mall_kpi_daily")
    }
    helped = Counter()
    for mall, day, requests in database.execute(
        "select mall_id, request_date, help_requests from marts.help_seeking_daily"
    ).fetchall():
        helped[mall, day] += requests
    in_season = {
        start + n * DAY
        for _, start, end in SEASONS
        for n in range((end - start).days + 1)
    }

    def figures(mall, days):
        def total(name):
            rows = (kpis.get((mall, day)) for day in days)
            return float(sum(row[name] for row in rows if row))

        assessed, buyers = total("assessed_messages"), total("assessed_consult_buyers")
        written = total("buyer_messages") + total("agent_messages")
        return {
            "messages_a_day": quotient(written, len(days)),
            "consult_buyers_a_day": quotient(total("consult_buyers"), len(days)),
            "reply_rate_30s": quotient(total("messages_replied_30s"), assessed),
            "reply_rate_3min": quotient(buyers - total("late_buyers_3min"), buyers),
            "inquiry_conversion_rate": quotient(
                total("final_group_buyers"), total("inquiry_buyers")
            ),
            "sales_amount_a_day": quotient(total("sales_amount"), len(days)),
            "help_requests_a_day": quotient(
                sum(helped[mall, day] for day in days), len(days)
            ),
        }

    expected = {}
    for mall, first in firsts.items():
        for name, start, end in SEASONS:
            length = (end - start).days + 1
            during, before, after = (
                [
                    day
                    for day in (from_day + n * DAY for n in range(length))
                    if first <= day <= last and (is_season or day not in in_season)
                ]
                for from_day, is_season in (
                    (start, True),
                    (start - length * DAY, False),
                    (end + DAY, False),
                )
            )
            season, around = figures(mall, during), figures(mall, before + after)
            for figure in season if during else ():
                expected[mall, name, figure] = (
                    (len(during), len(before), len(after)),
                    near(season[figure]),
                    near(around[figure]),
                )
    found = {
        (row["mall_id"], row["sale_season"], row["figure"]): (
            (row["season_days"], row["days_before"], row["days_after"]),
            row["in_season"],
            row["around"],
        )
        for row in rows
    }
    assert found == expected
    assert {(3, 3, 2), (1, 1, 1), (4, 15, 0)} <= {days for days, _, _ in found.values()}
    for row in rows:
        if row["in_season"] is not None and row["around"]:
            assert row["difference"] == row["in_season"] - row["around"]
            assert row["ratio"] == row["in_season"] / row["around"]


# --- the score -------------------------------------------------------------


class Malls:
    """The scored malls of one day and their scores, in exact fractions."""

    def __init__(self, database, day):
        self.weights = {
            module: Fraction(str(weight))
            for module, weight in database.execute(
                "select module, any_value(weight)"
                " from marts.experience_module_scores_30d group by module"
            ).fetchall()
        }
        self.curve = Curve(seed("score_curve"))
        self.published = {
            row["mall_id"]: row
            for row in rows_of(
                database,
                f"select * from marts.experience_score_30d where as_of_date = '{day}'",
            )
            if row["score_status"] == "scored"
        }
        self.orders, self.helped = {}, {}
        for row in rows_of(
            database,
            f"select * from marts.help_seeking_rate_30d where as_of_date = '{day}'",
        ):
            self.orders[row["mall_id"]] = row["grouped_orders_30d"]
            self.helped[row["mall_id"], row["module"]] = (
                row["platform_help_orders_30d"],
                row["help_orders_30d"],
            )

    def module_score(self, mall, module, counts=None):
        own = self.published[mall]
        percentiles = []
        for place in range(2):
            rates = {
                other: Fraction(self.helped[other, module][place], self.orders[other])
                for other, row in self.published.items()
                if own["peer_scope"] == "all"
                or row["category_name"] == own["category_name"]
            }
            mine = rates.pop(mall)
            if counts is not None:
                mine = Fraction(max(counts[place], 0), self.orders[mall])
            percentiles.append(
                half_tie_percentile(mine, list(rates.values()), lambda a, b: b > a)
            )
        platform, help_seeking = percentiles
        return 5 * self.curve.at(
            Fraction(7, 10) * platform + Fraction(3, 10) * help_seeking
        )

    def score(self, mall, assumed=None):
        """The score; assumed: counts of some modules in place of their own."""
        return sum(
            weight * self.module_score(mall, module, (assumed or {}).get(module))
            for module, weight in self.weights.items()
        ) / sum(self.weights.values())


def next_tier(score):
    floors = sorted(Fraction(row["min_score"]) for row in seed("score_tiers"))
    return next((floor for floor in floors if floor > score), None)


@pytest.mark.parametrize("way", ["default", "vars", "altered"])
def test_score_gap_is_the_smallest_reduction_that_suffices(answers, databases, way):
    database = databases[way]
    malls = Malls(database, last_day(database))
    rows = answers[way, "score_gap"]
    assert {(row["mall_id"], row["module"]) for row in rows} == {
        (mall, module) for mall in malls.published for module in malls.weights
    }
    smallest = defaultdict(list)
    for row in rows:
        mall, module = row["mall_id"], row["module"]
        platform, helped = malls.helped[mall, module]
        now = malls.score(mall)
        target = Fraction("3.5") if way == "vars" else next_tier(now)

        def after(gone, gone_platform, row=row):
            platform, helped = malls.helped[row["mall_id"], row["module"]]
            counts = platform - gone_platform, helped - gone
            return malls.score(row["mall_id"], {row["module"]: counts})

        assert row["experience_score"] == near(float(now))
        assert row["best_score"] == near(float(after(helped, platform)))
        assert row["score_target"] == (None if target is None else float(target))
        needed = row["help_orders_to_avoid"]
        if target is None:
            assert (row["gap_status"], needed) == ("no_higher_tier", None)
        elif needed is None:
            assert row["gap_status"] == "not_reachable"
            assert after(helped, platform) < target
        else:
            assert row["gap_status"] == ("reachable" if needed else "reached")
            assert row["platform_help_orders_to_avoid"] == min(needed, platform)
            reached = after(needed, min(needed, platform))
            assert reached >= target
            assert row["score_then"] == near(float(reached))
            # One fewer does not do, whichever orders are taken.
            for gone_platform in range(min(needed - 1, platform) + 1):
                assert needed == 0 or after(needed - 1, gone_platform) < target
            smallest[mall].append(needed)
    for row in rows:
        assert row["smallest_reduction"] == min(smallest[row["mall_id"]], default=None)
    assert {"reachable", "not_reachable"} <= {row["gap_status"] for row in rows}


@pytest.mark.parametrize("way", ["default", "vars", "altered"])
def test_contributions_add_up_to_the_change_of_the_score(answers, databases, way):
    database = databases[way]
    scores = {
        (mall, day): score
        for mall, day, score in database.execute(
            "select mall_id, as_of_date, experience_score"
            " from marts.experience_score_30d where experience_score is not null"
        ).fetchall()
    }
    start, end = period_of(database, way)
    totals, modules = defaultdict(float), defaultdict(float)
    rows = answers[way, "score_contributions"]
    for row in rows:
        assert (row["date_from"], row["date_to"]) == (start, end)
        totals[row["mall_id"]] += row["contribution"]
        modules[row["mall_id"], row["module"]] += row["contribution"]
    assert set(totals) == {
        mall for mall, day in scores if day == end and (mall, start) in scores
    }
    for row in rows:
        mall = row["mall_id"]
        change = scores[mall, end] - scores[mall, start]
        assert row["score_change"] == pytest.approx(change, rel=0, abs=1e-9)
        assert totals[mall] == pytest.approx(change, rel=0, abs=1e-9)
        assert modules[mall, row["module"]] == pytest.approx(
            row["module_contribution"], rel=0, abs=1e-9
        )
    assert any(abs(total) > 0.1 for total in totals.values())


def period_of(database, way):
    if way == "vars":
        return dt.date(2026, 10, 11), dt.date(2026, 10, 25)
    return last_day(database) - 7 * DAY, last_day(database)


def problem_counts(database, start, end):
    """Changes (platform, all) of each problem by mall and module."""
    modules = dict(
        database.execute(
            "select problem_code, module from marts.dim_problems"
        ).fetchall()
    )
    counts = defaultdict(lambda: [0, 0])
    for row in rows_of(database, "select * from marts.core_issues_30d"):
        sign = (row["as_of_date"] == end) - (row["as_of_date"] == start)
        problem = row["problem_code"]
        change = counts[row["mall_id"], modules.get(problem, "unknown"), problem]
        change[0] += sign * row["platform_help_orders_30d"]
        change[1] += sign * row["help_orders_30d"]
    changes = defaultdict(dict)
    for (mall, module, problem), change in counts.items():
        if any(change):
            changes[mall, module][problem] = change
    return changes


@pytest.mark.parametrize("way", ["default", "vars", "altered"])
def test_contributions_of_problems_follow_their_arithmetic(answers, databases, way):
    database = databases[way]
    start, end = period_of(database, way)
    before, now = Malls(database, start), Malls(database, end)
    changes = problem_counts(database, start, end)
    weight_sum = sum(before.weights.values())
    expected = {}
    for mall in set(before.published) & set(now.published):
        for module, weight in before.weights.items():
            moved = changes[mall, module]
            weighted = {key: 7 * p + 3 * h for key, (p, h) in moved.items()}
            began = before.helped[mall, module]

            def shifted(direction, moved=moved, weighted=weighted, began=began):
                return tuple(
                    began[place]
                    + sum(
                        change[place]
                        for key, change in moved.items()
                        if weighted[key] * direction > 0
                    )
                    for place in range(2)
                )

            at = before.module_score(mall, module)
            risen = before.module_score(mall, module, shifted(1))
            fallen = before.module_score(mall, module, shifted(-1))
            both = before.module_score(mall, module, now.helped[mall, module])
            effects = {
                1: min((risen - at + both - fallen) / 2, 0),
                -1: max((fallen - at + both - risen) / 2, 0),
            }
            rest = now.module_score(mall, module) - at
            for key, change in weighted.items():
                direction = (change > 0) - (change < 0)
                group = sum(w for w in weighted.values() if w * direction > 0)
                points = effects[direction] * Fraction(change, group) if change else 0
                rest -= points
                expected[mall, module, key] = points * weight / weight_sum
            expected[mall, module, None] = rest * weight / weight_sum
    found = {
        (row["mall_id"], row["module"], row["problem_code"]): row
        for row in answers[way, "score_contributions"]
    }
    assert set(found) == set(expected)
    for key, row in found.items():
        assert row["contribution"] == near(float(expected[key])), key
        if key[2] is None:
            assert row["row_type"] == "rest"
        else:
            change = changes[key[:2]][key[2]]
            assert [row["platform_change"], row["help_change"]] == change
    assert any(row["contribution"] > 0 for row in found.values() if row["problem_code"])
    assert any(row["contribution"] < 0 for row in found.values() if row["problem_code"])
