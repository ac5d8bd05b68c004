"""How the time of a dbt build divides among its models.

dbt runs several models at once, and their queries share the cores. So each
moment is divided equally among the models that run in it: the seconds of all
models then add up to the time in which any of them ran. The processor time of a
moment is divided in the same way.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

# Models that serve sections 3 to 5 and 8 of the metric definitions, or tell which
# days are incomplete: the shared tables read them, the floor has no part of them.
OTHER_SECTIONS = frozenset(
    {
        "int_after_sales_buyer_days",
        "int_complaints_daily",
        "int_consultations",
        "int_conversions_daily",
        "int_incomplete_days_30d",
        "int_order_attributions",
        "int_quality_reviews_daily",
        "int_ratings_daily",
        "int_refund_first_responses",
        "int_refund_responses_daily",
        "int_refunded_orders",
        "int_refunds_daily",
        "int_sales_daily",
    }
)
# They list the keys of an increment. What they read is read for that alone: in a
# full build no table needs it for their sake.
TOUCHED = "int_touched_"
# The response path alone: from the landed messages to each buyer message's reply and
# to the figures of each day.
RESPONSE_PATH = (
    "fct_buyer_messages",
    "int_responses_daily",
    "int_response_quantiles_daily",
)
# The published tables of sections 1 and 2, which hold figures on orders too.
RESPONSE_TABLES = (
    "fct_buyer_messages",
    "fct_consultations",
    "agent_kpi_daily",
    "agent_kpi_shift_daily",
    "agent_kpi_30d",
    "mall_kpi_daily",
    "mall_kpi_30d",
)


@dataclass(frozen=True)
class Span:
    """When a model, or a seed or test, ran, in seconds since 1970."""

    model: str
    start: float
    end: float
    kind: str = "model"


@dataclass(frozen=True)
class Share:
    """What came upon one model."""

    wall_seconds: float
    cpu_seconds: float


def read_spans(target: Path, kinds: Collection[str] = ("model", "seed")) -> list[Span]:
    """Return when each node of some kinds ran in the last build."""
    results = json.loads((target / "run_results.json").read_text(encoding="utf-8"))
    spans = []
    for entry in results["results"]:
        kind, _, name = entry["unique_id"].split(".")[:3]
        if kind not in kinds or not entry["timing"]:
            continue
        moments = [
            dt.datetime.fromisoformat(timing[end].replace("Z", "+00:00")).timestamp()
            for timing in entry["timing"]
            for end in ("started_at", "completed_at")
        ]
        spans.append(Span(name, min(moments), max(moments), kind))
    return spans


def divide(
    spans: Iterable[Span], cpu_until: Callable[[float], float]
) -> dict[str, Share]:
    """Return each model's share of the wall and the processor seconds."""
    spans = list(spans)
    moments = sorted({moment for span in spans for moment in (span.start, span.end)})
    shares = {span.model: [0.0, 0.0] for span in spans}
    for start, end in zip(moments, moments[1:], strict=False):
        running = [s.model for s in spans if s.start <= start and s.end >= end]
        cpu = cpu_until(end) - cpu_until(start)
        for model in running:
            shares[model][0] += (end - start) / len(running)
            shares[model][1] += cpu / len(running)
    return {model: Share(*share) for model, share in shares.items()}


def ancestors(
    target: Path, tables: Collection[str], without: Collection[str] = ()
) -> set[str]:
    """Return the models that tables need, themselves among them.

    What only models of `without` need is left out with these.
    """
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    parents: Mapping[str, list[str]] = manifest["parent_map"]
    project = manifest["metadata"]["project_name"]
    found: set[str] = set()
    waiting = [f"model.{project}.{table}" for table in tables]
    while waiting:
        node = waiting.pop()
        name = node.split(".")[-1]
        if node in found or name in without or not node.startswith("model."):
            continue
        found.add(node)
        if not name.startswith(TOUCHED):
            waiting.extend(parents[node])
    return {node.split(".")[-1] for node in found}


def total(shares: Mapping[str, Share], models: Collection[str]) -> Share:
    """Return the sum of the shares of some models."""
    chosen = [share for model, share in shares.items() if model in models]
    return Share(
        sum(share.wall_seconds for share in chosen),
        sum(share.cpu_seconds for share in chosen),
    )


def stages_of(printed: str) -> dict[str, Share]:
    """Return the stages that the floor script printed, by name."""
    return {
        stage["name"]: Share(stage["wall_seconds"], stage["cpu_seconds"])
        for stage in json.loads(printed)
    }
