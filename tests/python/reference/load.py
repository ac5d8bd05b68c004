"""Hourly load (section 9)."""

from __future__ import annotations

from collections import defaultdict

from .kpis import rate
from .raw import DAY, HOUR, SECOND


def hourly_rows(conversations, last_day):
    hours = defaultdict(list)
    for messages in conversations.by_buyer.values():
        for message in messages:
            if message.sender in ("buyer", "agent") and message.day <= last_day:
                hour = message.sent_at % DAY // HOUR
                hours[message.mall, message.day, hour].append(message)
    for (mall, day, hour), messages in hours.items():
        from_buyers = [m for m in messages if m.sender == "buyer"]
        from_agents = [m for m in messages if m.sender == "agent"]
        assessed = [m for m in from_buyers if m.is_assessed]
        prompt = [m for m in assessed if m.reply and m.response <= 30 * SECOND]
        buyers = len({m.buyer for m in from_buyers})
        agents = len({m.cs_uid for m in from_agents})
        yield {
            "mall_id": mall,
            "service_date": day,
            "hour_of_day": hour,
            "messages": len(messages),
            "buyer_messages": len(from_buyers),
            "agent_messages": len(from_agents),
            "buyers": buyers,
            "active_agents": agents,
            "assessed_messages": len(assessed),
            "messages_replied_30s": len(prompt),
            "reply_rate_30s": rate(len(prompt), len(assessed)),
            "buyers_per_active_agent": rate(buyers, agents),
        }
