"""One agent: figures, service score, days, shifts, how long answers take."""

import polars as pl
import streamlit as st

from kefu.dashboard import charts, figures
from kefu.dashboard.context import Context, member
from kefu.dashboard.text import as_text
from kefu.dashboard.views import mall, team

TILES = (
    *("reply_rate_3min", "reply_rate_30s", "avg_response_seconds"),
    *("service_score", "inquiry_conversion_rate", "sales_amount"),
    *("low_rating_rate", "complaint_rate"),
)
ITEMS = (
    *("response_speed", "problem_solving", "communication"),
    *("professionalism", "after_sales"),
)
DAILY = (
    *("reply_rate_3min", "reply_rate_30s", "avg_response_seconds"),
    *("consult_buyers", "agent_messages", "inquiry_conversion_rate"),
    *("sales_amount", "max_concurrent_buyers"),
)


def draw(context: Context) -> None:
    """Draw the page."""
    words = context.words
    if context.cs_uid is None:
        figures.nothing_of_the_mall(context, "state.no_agents", "agents")
        return
    asked = {"mall_id": context.mall_id, "as_of": context.as_of}
    agents = context.ask("agents_30d", **asked)
    row = agents.row(by_predicate=pl.col("cs_uid") == context.cs_uid, named=True)
    found = context.ask("agent_before", **asked, cs_uid=context.cs_uid).to_dicts()
    name = member(row["cs_name"], row["cs_uid"])
    role = words(f"role.{row['agent_role'] or 'unknown'}")
    told = [as_text(name), as_text(role), context.mall_as_text(context.mall_id)]
    st.markdown(f"#### {' · '.join(told)}")
    figures.incomplete(context, row)
    ranks(context, row, agents.height)
    figures.tiles(
        context, TILES, row, before=found[0] if found else None, of_agent=True
    )
    service(context, row)
    st.subheader(words("agent.daily"))
    days = context.ask("agent_days", **asked, cs_uid=context.cs_uid)
    mall.daily_figure(context, days, DAILY, key="agent-daily")
    team.shifts(context)
    st.subheader(words("team.responses"))
    responses = context.ask("responses", **asked, cs_uid=context.cs_uid)
    team.response_chart(context, responses, {context.cs_uid: name}, key="responses")


def ranks(context: Context, row: dict, agents: int) -> None:
    """Say where the agent stands in the mall."""
    words = context.words
    told = [
        words(
            "agent.rank",
            metric=context.metrics[metric].name(words),
            rank=row[rank],
            agents=agents,
        )
        for metric, rank in team.RANKS.items()
        if row[rank] is not None
    ]
    if told:
        st.markdown(words("list.separator").join(told))
        figures.definitions(
            context, list(team.RANKS.values()), key="define-agent-ranks"
        )


def service(context: Context, row: dict) -> None:
    """Draw the items of the service score."""
    words = context.words
    st.subheader(words("agent.service"))
    known = [item for item in ITEMS if row[item] is not None]
    if row["service_score"] is None:
        least = context.manifest.get("vars", {}).get("service_score_min_buyers")
        st.info(
            words(
                "agent.no_service_score",
                buyer_days=row["buyer_days"] or 0,
                least=figures.NOTHING if least is None else least,
            )
        )
    if known:
        chart = charts.rows(
            [context.metrics[item].name(words) for item in known],
            {words("axis.points_of_10"): [row[item] for item in known]},
            unit="points",
            title=words("axis.points_of_10"),
            words=words,
            most=10,
            labels=[f"{row[item]:.2f}" for item in known],
        )
        figures.chart(
            context,
            chart,
            "service",
            words("agent.service"),
            names=["service_score", *ITEMS, "buyer_days"],
        )
    else:
        figures.definitions(context, ["service_score", "buyer_days"], "define-service")
    if row["buyer_days"] is not None:
        told = context.metrics["buyer_days"].name(words)
        st.caption(words("agent.taken_over", metric=told, value=row["buyer_days"]))
    if len(known) < len(ITEMS):
        missing = words("list.separator").join(
            context.metrics[item].name(words) for item in ITEMS if item not in known
        )
        st.caption(words("agent.items_missing", items=missing))
