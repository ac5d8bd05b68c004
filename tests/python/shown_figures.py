"""What the pages show in a browser, beside questions asked of the published file.

The questions are written anew from the definitions of the marts: nothing of the
pages' own queries is used, so that a page that asks the wrong thing is noticed.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest

from kefu.dashboard.figures import written
from kefu.dashboard.needs import emptied, needs
from kefu.dashboard.text import Words

# The rows of the table that stands before the buttons of a key, as the browser
# tells them to a screen reader: figures with all their digits.
ROWS = """
key => {
    const below = document.querySelector(`.st-key-below-${key}`)
    const before = [...document.querySelectorAll('[data-testid=stDataFrame]')].filter(
        frame => frame.compareDocumentPosition(below) & 4
    )
    const grid = before.at(-1)?.querySelector('canvas table')
    return [...(grid?.querySelectorAll('tr') ?? [])].map(
        row => [...row.children].map(cell => cell.textContent)
    )
}
"""


@dataclass
class Shown:
    """A page as it stands in the browser, and the file that it shows."""

    page: object
    file: Path
    words: Words
    compared: int = 0
    emptied: frozenset[str] = field(init=False)
    _connection: object = field(init=False)

    def __post_init__(self) -> None:
        self._connection = duckdb.connect(str(self.file), read_only=True)
        self._connection.execute("use marts")
        self.day = self.one("select max(as_of_date) as day from mall_kpi_30d")["day"]
        landed = {
            row["source"]
            for row in self.ask(
                "select source from data_quality_balance where rows_current > 0"
            )
        }
        # Shown as --: zeros of what was never landed are no figures.
        self.emptied = emptied(sorted(needs().keys() - landed))

    def close(self) -> None:
        self._connection.close()

    def ask(self, question: str, **values: object) -> list[dict]:
        """Return the rows of a question; $day is the day that the page shows."""
        if "$day" in question:
            values["day"] = self.day
        found = self._connection.execute(question, values or None)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def one(self, question: str, **values: object) -> dict:
        (row,) = self.ask(question, **values)
        return row

    def text(self) -> str:
        return self.page.locator("[data-testid=stMain]").inner_text()

    def units(self) -> dict[str, str]:
        return {
            row["metric"]: row["unit"]
            for row in self.ask("select metric, unit from dim_metrics")
        }

    def tiles(self, prefix: str, values: dict) -> None:
        """Compare tiles with figures, and what stands below them with their parts.

        A figure is a value, or numerator and denominator of a rate.
        """
        units = self.units()
        for name, value in values.items():
            tile = self.page.locator(f".st-key-tile-{prefix}{name}")
            shown = tile.locator("[data-testid=stMetricValue]").inner_text()
            shown = shown.replace("\N{WORD JOINER}", "").strip()
            if name in self.emptied:
                kind, rate = "part", None
            elif isinstance(value, tuple):
                kind, above, below = value
                caption = tile.locator("[data-testid=stCaptionContainer]").last
                caption = caption.inner_text()
                numbers = re.findall(r"(?<![\w(])[\d,]+(?= \()", caption)
                wanted = [f"{above:,}", f"{below:,}"]
                assert not below or numbers == wanted, (name, caption)
                rate = above / below if below else None
            else:
                kind, rate = "part", value
            if kind != "part" and rate is not None:
                rate = 1 - rate if kind == "rest" else min(1.0, rate)
            told = written(rate, units[name], self.words)
            assert shown == told, f"{name}: {shown} is shown, not {told}"
            self.compared += 1

    def rows(self, key: str) -> list[list[str]]:
        """Return the heading and the visible rows of a table, once it is drawn."""
        self.page.wait_for_function(f"key => ({ROWS})(key).length > 1", arg=key)
        return self.page.evaluate(ROWS, key)

    def table(self, key: str, columns: dict[str, str], wanted: list[dict]) -> None:
        """Compare the visible rows of a table, whole columns by their headings.

        Rows stand in the order of `wanted`.
        """
        header, *rows = self.rows(key)
        assert rows and len(rows) <= len(wanted), (key, len(rows), len(wanted))
        places = {name: place_of(label, header) for label, name in columns.items()}
        for row, expected in zip(rows, wanted, strict=False):
            for name, place in places.items():
                value = None if name in self.emptied else expected[name]
                shown = row[place]
                where = f"{key}, {name}: {row}"
                if value is None:
                    assert shown in ("", "--", "None"), where
                elif isinstance(value, str):
                    assert shown == value, where
                else:
                    # The same sums in another order differ in the last digit.
                    assert float(shown) == pytest.approx(float(value), rel=1e-9), where
                self.compared += 1

    def field(self, key: str) -> list[list[float | None]]:
        """Return the values of a field of coloured cells, row by row."""
        plot = self.page.locator(f".st-key-chart-{key} .js-plotly-plot")
        plot.locator(".main-svg").first.wait_for()
        return plot.evaluate("plot => plot.data[0].z.map(row => Array.from(row))")

    def label(self, metric: str) -> str:
        """Return how a column of a metric is headed."""
        row = self.one(
            "select name_zh, name_en, unit, is_estimate from dim_metrics"
            " where metric = $metric",
            metric=metric,
        )
        name = self.words.of(row["name_zh"], row["name_en"])
        if row["is_estimate"]:
            name += self.words("figure.estimate_mark")
        unit = {"seconds", "hours", "yuan"} & {row["unit"]}
        return f"{name} ({self.words.unit(row['unit'])})" if unit else name

    def metric_table(
        self, key: str, names: tuple[str, ...], wanted: list[dict]
    ) -> None:
        self.table(key, {self.label(name): name for name in names}, wanted)

    def member(self) -> str:
        """Return the id of the mall that the page is about."""
        heading = self.page.locator("h4").first.inner_text()
        return re.findall(r"\(?(\w+)\)?$", heading)[0]


def place_of(label: str, header: list[str]) -> int:
    """Return where a column stands; a score may be marked as made without a source."""
    names = [re.sub(r" \(without [^)]*\)|（不含[^）]*）", "", name) for name in header]
    (place,) = [place for place, name in enumerate(names) if name == label]
    return place


def overview(shown: Shown) -> None:
    help_ = shown.one(
        """
        select sum(help_orders_30d)::bigint as helped,
            sum(platform_help_orders_30d)::bigint as platform,
            sum(grouped_orders_30d)::bigint as orders
        from help_seeking_rate_30d where as_of_date = $day and module = 'all'
        """
    )
    late = shown.one(
        """
        select sum(late_buyers_3min)::bigint as late,
            sum(assessed_consult_buyers)::bigint as buyers
        from mall_kpi_30d where as_of_date = $day
        """
    )
    shown.tiles(
        "",
        {
            "help_seeking_rate": ("part", help_["helped"], help_["orders"]),
            "platform_help_rate": ("part", help_["platform"], help_["orders"]),
            "reply_rate_3min": ("rest", late["late"], late["buyers"]),
        },
    )
    counted = shown.one(
        """
        select count(distinct mall_id) as malls,
            count(*) filter (score_status = 'scored') as scored
        from experience_score_30d where as_of_date = $day
        """
    )
    heading = shown.page.locator("h4").first.inner_text()
    assert {str(counted["scored"])} <= set(re.findall(r"\d+", heading)), heading
    malls = shown.ask(
        """
        select experience_score, change_7d, help_seeking_rate, category_rank
        from experience_score_30d left join (
            from help_seeking_rate_30d where module = 'all'
        ) using (mall_id, as_of_date)
        where as_of_date = $day order by experience_score nulls last, mall_id
        """
    )
    if malls:
        shown.metric_table(
            "malls", ("experience_score", "change_7d", "help_seeking_rate"), malls
        )
    problems = shown.ask(
        """
        select sum(help_orders_30d) as help_orders_30d
        from core_issues_30d semi join dim_malls using (mall_id)
        where as_of_date = $day group by problem_code
        order by sum(change_7d) desc, 1 desc, problem_code
        """
    )
    if problems:
        shown.metric_table("issues_changed", ("help_orders_30d",), problems)


MALL_RATES = {
    "reply_rate_3min": ("rest", "late_buyers_3min", "assessed_consult_buyers"),
    "inquiry_conversion_rate": ("part", "final_group_buyers", "inquiry_buyers"),
    "refund_rate": ("most 1", "refunded_orders", "grouped_orders"),
    "complaint_rate": ("most 1", "complaint_buyers", "consult_buyers"),
}


def rates(row: dict, of: dict[str, tuple[str, str, str]]) -> dict[str, tuple]:
    return {
        name: (kind, row[above], row[below])
        for name, (kind, above, below) in of.items()
    }


def mall(shown: Shown) -> None:
    mall_id = shown.member()
    kpis = shown.ask(
        "from mall_kpi_30d where mall_id = $mall_id and as_of_date = $day",
        mall_id=mall_id,
    )
    if not kpis:
        return
    shown.tiles("kpi-", rates(kpis[0], MALL_RATES))
    simple = ("avg_response_seconds", "sales_amount")
    shown.tiles("kpi-", {name: kpis[0][name] for name in simple})
    score = shown.ask(
        "select experience_score from experience_score_30d"
        " where mall_id = $mall_id and as_of_date = $day",
        mall_id=mall_id,
    )
    if score:
        shown.tiles("", score[0])
    modules = shown.ask(
        """
        select modules.module_score, modules.help_seeking_rate, help_orders_30d,
            grouped_orders_30d
        from experience_module_scores_30d as modules
        inner join help_seeking_rate_30d using (mall_id, as_of_date, module)
        inner join dim_score_modules using (module)
        where mall_id = $mall_id and as_of_date = $day and module_score is not null
        order by modules.weight * (5 - module_score) desc, position
        """,
        mall_id=mall_id,
    )
    if modules:
        names = ("module_score", "help_orders_30d", "help_seeking_rate")
        shown.metric_table("modules", (*names, "grouped_orders_30d"), modules)
    issues = shown.ask(
        """
        select help_orders_30d, mall_help_orders_30d,
            help_orders_30d / mall_help_orders_30d as help_order_share
        from core_issues_30d where mall_id = $mall_id and as_of_date = $day
        order by help_orders_30d desc, problem_code
        """,
        mall_id=mall_id,
    )
    if issues:
        shown.metric_table("issues", tuple(issues[0]), issues)
    against = shown.ask(
        """
        select category_percentile, (
            select count(*) from mall_benchmarks_30d as others
            where others.as_of_date = own.as_of_date and others.metric = own.metric
                and others.category_name is not distinct from own.category_name
        ) as malls, metric_value, metric
        from mall_benchmarks_30d as own
        where mall_id = $mall_id and as_of_date = $day
        order by category_percentile, metric
        """,
        mall_id=mall_id,
    )
    # A figure without its source is compared with nobody's.
    against = [row for row in against if row["metric"] not in shown.emptied]
    if against:
        units = shown.units()
        for row in against:
            value, unit = row["metric_value"], units[row["metric"]]
            row["value"] = written(value, unit, shown.words)
        columns = {
            shown.words("column.value"): "value",
            shown.words("column.malls_compared"): "malls",
        }
        shown.table("benchmarks", columns, against)


def team(shown: Shown) -> None:
    agents = shown.ask(
        """
        select kpis.*,
            1 - late_buyers_3min / nullif(assessed_consult_buyers, 0) as three,
            messages_replied_30s / nullif(assessed_messages, 0) as thirty
        from agent_kpi_30d as kpis
        where mall_id = $mall_id and as_of_date = $day and not exists (
            from dim_agents where dim_agents.mall_id = kpis.mall_id
                and dim_agents.cs_uid = kpis.cs_uid and is_robot
        )
        order by consult_buyers desc, cs_uid
        """,
        mall_id=shown.member(),
    )
    if not agents:
        return
    columns = {shown.label("reply_rate_3min"): "three"}
    columns |= {shown.label("reply_rate_30s"): "thirty"}
    for name in ("late_buyers_3min", "assessed_consult_buyers", "p90_response_seconds"):
        columns[shown.label(name)] = name
    shown.table("agents_speed", columns, agents)
    shifts = shown.ask(
        """
        select shift_name, sum(late_buyers_3min) as late_buyers_3min,
            sum(assessed_consult_buyers) as assessed_consult_buyers,
            1 - sum(late_buyers_3min) / nullif(sum(assessed_consult_buyers), 0)
                as reply_rate_3min
        from agent_kpi_shift_daily
        where mall_id = $mall_id and service_date > $day - 30 and service_date <= $day
        group by shift_name order by shift_name
        """,
        mall_id=shown.member(),
    )
    if shifts:
        shown.metric_table("shifts", tuple(shifts[0])[1:], shifts)


AGENT_RATES = {
    "reply_rate_3min": ("rest", "late_buyers_3min", "assessed_consult_buyers"),
    "reply_rate_30s": ("part", "messages_replied_30s", "assessed_messages"),
    "inquiry_conversion_rate": ("part", "converted_inquiry_buyers", "inquiry_buyers"),
    "low_rating_rate": ("part", "low_rating_count", "rating_count"),
    "complaint_rate": ("most 1", "complaint_buyers", "received_buyers"),
}


def agent(shown: Shown) -> None:
    if not shown.page.locator("h4").count():
        return  # a mall without agents; the page says so
    heading = shown.page.locator("h4").first.inner_text()
    who, _, where = heading.split(" · ")
    cs_uid, mall_id = (re.findall(r"\(?(\w+)\)?$", text)[0] for text in (who, where))
    row = shown.one(
        """
        select kpis.*, service_score from agent_kpi_30d as kpis
        left join agent_service_score_30d using (mall_id, cs_uid, as_of_date)
        where mall_id = $mall_id and cs_uid = $cs_uid and as_of_date = $day
        """,
        mall_id=mall_id,
        cs_uid=cs_uid,
    )
    shown.tiles("", rates(row, AGENT_RATES))
    simple = ("avg_response_seconds", "service_score", "sales_amount")
    shown.tiles("", {name: row[name] for name in simple})


def mall_groups(shown: Shown) -> None:
    groups = shown.ask(
        """
        select group_name, sum(help_orders_30d) as help_orders_30d,
            sum(grouped_orders_30d) as grouped_orders_30d,
            sum(help_orders_30d) / nullif(sum(grouped_orders_30d), 0)
                as help_seeking_rate,
            sum(sales_amount) as sales_amount,
            sum(refunded_orders)::bigint as refunded,
            sum(grouped_orders)::bigint as orders,
            sum(late_buyers_3min)::bigint as late,
            sum(assessed_consult_buyers)::bigint as buyers
        from dim_mall_groups
        left join (from mall_kpi_30d where as_of_date = $day) using (mall_id)
        left join (
            from help_seeking_rate_30d where as_of_date = $day and module = 'all'
        ) using (mall_id)
        group by group_name order by group_name
        """
    )
    if not groups:
        return
    names = ("help_seeking_rate", "help_orders_30d", "grouped_orders_30d")
    shown.metric_table("groups", (*names, "sales_amount"), groups)
    first = groups[0]
    shown.tiles(
        "group-",
        {
            "reply_rate_3min": ("rest", first["late"], first["buyers"]),
            "refund_rate": ("most 1", first["refunded"], first["orders"]),
            "sales_amount": first["sales_amount"],
        },
    )


def load(shown: Shown) -> None:
    cells = shown.ask(
        """
        with days as (
            select unnest(range(28)) as back, $day::date - back::integer as day
        )
        select isodow(day) as weekday, hour,
            coalesce(sum(messages), 0) / count(distinct day) as messages,
            sum(buyers) / nullif(sum(active_agents), 0) as buyers_per_active_agent,
            coalesce(sum(messages_replied_30s), 0) as messages_replied_30s,
            coalesce(sum(assessed_messages), 0) as assessed_messages,
            sum(messages_replied_30s) / nullif(sum(assessed_messages), 0)
                as reply_rate_30s
        from days cross join unnest(range(24)) as hours (hour)
        left join hourly_load on service_date = day and hour_of_day = hour
        where day >= (select min(service_date) from mall_kpi_daily)
        group by all order by weekday, hour
        """
    )
    if not any(row["messages"] for row in cells):
        return
    mean = shown.words("load.mean_a_day", metric=shown.label("messages"))
    columns = {mean: "messages"} | {
        shown.label(name): name for name in tuple(cells[0])[3:]
    }
    shown.table("load", columns, cells)
    # The table shows the first hours alone; the field of colours has all of them.
    field = shown.field("load")
    wanted = [row["messages"] for row in cells]
    assert [value for row in field for value in row] == pytest.approx(wanted, rel=1e-9)
    shown.compared += len(wanted)


DISPUTES = {
    "refund_rate": ("most 1", "refunded", "orders"),
    "dispute_refund_rate": ("most 1", "disputes", "orders"),
    "dispute_refund_rate_of_refunds": ("part", "disputes", "refunded"),
    "platform_intervention_rate": ("most 1", "stepped_in", "orders"),
    "quality_refund_rate": ("most 1", "bad", "orders"),
}


def after_sale(shown: Shown) -> None:
    together = shown.one(
        """
        select sum(refunded_orders)::bigint as refunded,
            sum(grouped_orders)::bigint as orders,
            sum(dispute_refund_orders)::bigint as disputes,
            sum(platform_intervention_orders)::bigint as stepped_in,
            sum(quality_refund_orders)::bigint as bad
        from mall_kpi_30d where as_of_date = $day
        """
    )
    shown.tiles("", rates(together, DISPUTES))
    malls = shown.ask(
        """
        select dispute_refund_orders, grouped_orders, refunded_orders,
            dispute_refund_orders / nullif(refunded_orders, 0)
                as dispute_refund_rate_of_refunds
        from mall_kpi_30d where as_of_date = $day
        order by least(1, dispute_refund_orders / nullif(grouped_orders, 0))
            desc nulls last, mall_id
        """
    )
    malls.sort(key=lambda row: not row["grouped_orders"])
    if malls:
        shown.metric_table("disputes", tuple(malls[0]), malls)
    problems = shown.ask(
        """
        select sum(help_orders_30d) as help_orders_30d,
            sum(platform_help_orders_30d) as platform_help_orders_30d,
            sum(platform_help_orders_30d) / sum(help_orders_30d) as platform_share
        from core_issues_30d where as_of_date = $day
        group by problem_code order by 1 desc, problem_code
        """
    )
    if problems:
        shown.metric_table("problems", tuple(problems[0]), problems)


def official(shown: Shown) -> None:
    malls = shown.ask(
        """
        select count(*) as figures,
            count(*) filter (likely_cause = 'equal') as same,
            count(*) filter (likely_cause = 'unexplained') as unexplained,
            count(*) filter (our_value is null) as without_ours
        from official_reconciliation
        where period_end <= $day and period_end > $day - 30
        group by mall_id
        order by unexplained desc,
            count(*) filter (likely_cause = 'roster') desc, mall_id
        """
    )
    if not malls:
        return
    total = {name: sum(row[name] for row in malls) for name in malls[0]}
    told = shown.words(
        "official.headline", figures=total["figures"], equal=total["same"]
    )
    assert told in shown.text()
    columns = {
        shown.words("column.figures_compared"): "figures",
        shown.words.cause("equal"): "same",
        shown.words.cause("unexplained"): "unexplained",
        shown.words("column.without_ours"): "without_ours",
    }
    shown.table("official-malls", columns, malls)


def quality(shown: Shown) -> None:
    books = shown.ask(
        """
        select source, sum(rows_landed) as landed, sum(rows_current) as kept,
            sum(rows_superseded) as replaced, sum(rows_rejected) as rejected
        from data_quality_balance group by source
        """
    )
    if not books:
        return
    of = {shown.words(f"source.{row['source']}"): row for row in books}
    header, *rows = shown.rows("balance")
    names = ("rows_landed", "rows_current", "rows_superseded", "rows_rejected")
    places = [header.index(shown.words(f"column.{name}")) for name in names]
    assert {row[0] for row in rows} == set(of)
    for row in rows:
        counted = [of[row[0]][n] for n in ("landed", "kept", "replaced", "rejected")]
        assert [int(row[place]) for place in places] == counted, row
        shown.compared += len(places)


FIGURES_OF: dict[str, Callable[[Shown], None]] = {
    "overview": overview,
    "mall": mall,
    "team": team,
    "agent": agent,
    "mall_groups": mall_groups,
    "load": load,
    "after_sale": after_sale,
    "official": official,
    "quality": quality,
}
