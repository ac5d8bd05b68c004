"""The suite of the marts: their own sense, and what was published before."""

from kefu.audit.checks import RangesCheck, RowsCheck
from kefu.audit.landing_checks import EARLIER_DAYS
from kefu.audit.marts_compared import KEYS

SUITE = "marts"
PUBLISHED = "no published version to compare with"
MEMBERS = "no malls or agents published to compare with, or all of them unlisted"
COMPLETENESS = "no new day of a mall with enough rows to tell, or no data_completeness"

CHECKS = (
    RowsCheck(
        "keys_unique",
        SUITE,
        "audit.mart_keys",
        "Every row of a mart has a key of its own.",
        """
        select table_name, rows, distinct_keys
        from {batch}
        where rows <> distinct_keys
        order by all
        """,
        needs="no marts",
    ),
    RangesCheck(
        "figures_in_range",
        SUITE,
        "Rates, scores and durations lie where they can lie.",
        {
            table: KEYS[table]
            for table in (
                "mall_kpi_daily",
                "mall_kpi_30d",
                "agent_kpi_daily",
                "agent_kpi_30d",
                "agent_kpi_shift_daily",
                "agent_service_score_30d",
                "hourly_load",
                "help_seeking_rate_30d",
                "core_issues_30d",
                "mall_benchmarks_30d",
                "experience_score_30d",
                "experience_module_scores_30d",
            )
        },
        # Everything has a largest value: NaN is more than all numbers, and would
        # be no less than 0.
        {
            **dict.fromkeys(
                (
                    "reply_rate_30s",
                    "reply_rate_3min",
                    "reply_rate_5min",
                    "effective_reply_rate",
                    "inquiry_conversion_rate",
                    "complaint_rate",
                    "low_rating_rate",
                    "after_sales_effective_reply_rate",
                    "cs_sales_share",
                    "refund_rate",
                    "dispute_refund_rate",
                    "dispute_refund_rate_of_refunds",
                    "platform_intervention_rate",
                    "quality_refund_rate",
                    "help_seeking_rate",
                    "platform_help_rate",
                    "category_percentile",
                    "platform_help_percentile",
                    "help_seeking_percentile",
                    "help_order_share",
                    "platform_share",
                ),
                (0, 1),
            ),
            **dict.fromkeys(
                (
                    "avg_response_seconds",
                    "median_response_seconds",
                    "p90_response_seconds",
                    "first_response_seconds",
                    "after_sales_first_response_seconds",
                    "after_sales_avg_response_seconds",
                ),
                (0, 30 * 86400),
            ),
            **dict.fromkeys(
                ("sales_amount", "net_sales_amount", "avg_order_value"), (0, 10**12)
            ),
            # A refund may well be landed as of before its application.
            **dict.fromkeys(
                ("avg_refund_hours", "avg_refund_hours_autonomous"),
                (-366 * 24, 366 * 24),
            ),
            **dict.fromkeys(
                ("answer_ask_ratio", "units_per_buyer", "buyers_per_active_agent"),
                (0, 10**6),
            ),
            **dict.fromkeys(
                (
                    "metric_value",
                    "category_mean",
                    "category_top10_mean",
                    "gap_to_mean",
                    "gap_to_top10",
                ),
                (-(10**12), 10**12),
            ),
            "avg_rating": (1, 5),
            "experience_score": (0, 5),
            "module_score": (0, 5),
            **dict.fromkeys(
                (
                    "service_score",
                    "response_speed",
                    "problem_solving",
                    "communication",
                    "professionalism",
                    "after_sales",
                ),
                (0, 10),
            ),
        },
    ),
    RowsCheck(
        "marts_filled",
        SUITE,
        "audit.marts_filled",
        "Where messages were accepted, the daily tables have rows.",
        "select table_name from {batch} where is_empty order by all",
        needs="no accepted messages",
    ),
    RowsCheck(
        "rates_missing",
        SUITE,
        "audit.rates_missing",
        "Every rate with a denominator has a value.",
        """
        select table_name, rate, mall_id, day from {batch} where is_missing
        order by all
        """,
        needs="no daily tables",
    ),
    RowsCheck(
        "sums_agree",
        SUITE,
        "audit.sums",
        "The same figure counted by two routes is the same.",
        """
        select figure, mall_id, day, counted, told
        from {batch}
        where counted <> told
        order by all
        """,
        needs="no facts or no daily tables",
    ),
    RowsCheck(
        "published_days_kept",
        SUITE,
        "audit.published_days",
        "Every day and mall that was published is still there.",
        """
        select table_name, mall_id, day, published_rows, rows, rows_removed
        from (
            select table_name, '(all)' as mall_id, day,
                sum(published_rows) as published_rows, sum(rows) as rows,
                sum(rows_removed) as rows_removed
            from {batch}
            group by table_name, day
            union all
            select table_name, mall_id, null, sum(published_rows), sum(rows),
                sum(rows_removed)
            from {batch}
            group by table_name, mall_id
        )
        where
            published_rows >= $rows
            and published_rows - rows - rows_removed > $share * published_rows
        order by rows / published_rows, published_rows desc
        """,
        ("rows", "share"),
        PUBLISHED,
    ),
    RowsCheck(
        "published_rows_kept",
        SUITE,
        "audit.published_days",
        "Nearly all rows of published days are still there.",
        """
        select table_name, sum(greatest(rows_lost, 0)) as rows_lost,
            sum(published_rows) as published_rows
        from {batch}
        group by table_name
        having rows_lost > $share * published_rows and rows_lost >= $rows
        order by rows_lost desc
        """,
        ("share", "rows"),
        PUBLISHED,
    ),
    RowsCheck(
        "published_rows_lost",
        SUITE,
        "audit.published_days",
        "All rows of published days are still there.",
        """
        select table_name, mall_id, day, published_rows, rows
        from {batch}
        where rows_lost > $rows
        order by rows_lost desc, all
        """.replace(", all", ", table_name, mall_id, day"),
        ("rows",),
        PUBLISHED,
    ),
    RowsCheck(
        "published_figures_kept",
        SUITE,
        "audit.published_figures",
        "Figures of published days are what they were.",
        """
        select figure, mall_id, day, round(published, 2) as published,
            round(now, 2) as now
        from (
            select figure, '(all)' as mall_id, day, age,
                sum(published) as published, sum(now) as now
            from {batch}
            group by all
            union all
            select figure, mall_id, day, age, published, now
            from {batch}
            where not ends_with(figure, 'amount')
        )
        where
            published >= if(mall_id = '(all)', $least, $least_mall)
            and abs(now - published) > published * case
                when mall_id <> '(all)' then $share_mall
                when age >= $days then $share
                else $share_recent
            end
        order by mall_id = '(all)' desc, abs(now / published - 1) desc
        """,
        ("days", "least", "share", "share_recent", "least_mall", "share_mall"),
        PUBLISHED,
    ),
    RowsCheck(
        "published_figures_moved",
        SUITE,
        "audit.published_figures",
        "No mall's figure of a published day has changed much.",
        """
        select figure, mall_id, day, published, now
        from {batch}
        where
            published >= $least
            and abs(relative_change) > if(age >= $days, $share, $share_recent)
        order by abs(relative_change) desc
        """,
        ("days", "least", "share", "share_recent"),
        PUBLISHED,
    ),
    # Moves from one agent to another leave the sum of a mall as it was, so it is
    # how far each has moved that is added up.
    RowsCheck(
        "published_pay_moved",
        SUITE,
        "audit.published_pay",
        "What agents and malls were paid or judged by on final days is what it was.",
        """
        select table_name, figure, mall_id, cs_uid, day,
            round(published, 2) as published, round(now, 2) as now,
            round(moved, 2) as moved
        from (
            select table_name, figure, '(all)' as mall_id, null as cs_uid, day,
                sum(published) as published, sum(now) as now,
                sum(abs(now - published)) as moved
            from {batch}
            where not starts_with(figure, 'avg')
            group by all
            union all
            select table_name, figure, mall_id, cs_uid, day, published, now,
                abs(now - published)
            from {batch}
        )
        where
            published >= $least
            and moved
            > published * if(mall_id = '(all)', $share, $share_each)
        order by mall_id = '(all)' desc, moved / published desc, all
        """.replace(", all", ", table_name, figure, mall_id, cs_uid, day"),
        ("least", "share", "share_each"),
        PUBLISHED,
    ),
    RowsCheck(
        "malls_kept",
        SUITE,
        "audit.published_malls",
        "The mall list still says what it said of nearly every mall.",
        """
        select count(*) as malls,
            count(*) filter (where is_lost) as malls_lost,
            count(*) filter (where is_other_category_name) as other_category,
            count(*) filter (where is_other_mall_name) as other_name
        from {batch}
        having
            greatest(malls_lost, other_category, other_name)
            >= greatest($least, $share * malls)
        """,
        ("least", "share"),
        MEMBERS,
    ),
    RowsCheck(
        "malls_changed",
        SUITE,
        "audit.published_malls",
        "No mall has changed its category or left the mall list.",
        """
        select mall_id, is_lost, is_other_category_name
        from {batch}
        where is_lost or is_other_category_name
        order by all
        """,
        needs=MEMBERS,
    ),
    RowsCheck(
        "agents_kept",
        SUITE,
        "audit.published_agents",
        "The roster still says what it said of nearly every agent.",
        """
        select count(*) as agents,
            count(*) filter (where is_lost) as agents_lost,
            count(*) filter (where is_other_cs_name) as other_name,
            count(*) filter (where is_other_agent_role) as other_role,
            count(*) filter (where is_other_is_robot) as other_robot_flag
        from {batch}
        having
            greatest(agents_lost, other_name, other_role, other_robot_flag)
            >= greatest($least, $share * agents)
        """,
        ("least", "share"),
        MEMBERS,
    ),
    RowsCheck(
        "agents_changed",
        SUITE,
        "audit.published_agents",
        "No agent has left the roster or turned from human to robot or back.",
        """
        select mall_id, cs_uid, is_lost, is_other_is_robot
        from {batch}
        where is_lost or is_other_is_robot
        order by all
        """,
        needs=MEMBERS,
    ),
    RowsCheck(
        "means_jumped",
        SUITE,
        "audit.means",
        "No category's mean of a key metric has jumped.",
        """
        select category_name, metric, day, weight,
            round(mean, 4) as mean, round(usual_mean, 4) as usual_mean
        from {batch}
        where
            weight >= $weight
            and deviations >= $deviations
            and relative_change >= $relative
            and abs(change) >= $change
        order by category_name = '(all)' desc, deviations desc
        """,
        ("weight", "deviations", "relative", "change"),
        EARLIER_DAYS,
    ),
    RowsCheck(
        "means_drifted",
        SUITE,
        "audit.means",
        "No category's mean of a key metric has drifted.",
        """
        select category_name, metric, day, weight,
            round(mean, 4) as mean, round(usual_mean, 4) as usual_mean
        from {batch}
        where
            weight >= $weight
            and deviations >= $deviations
            and relative_change >= $relative
            and abs(change) >= $change
        order by category_name = '(all)' desc, deviations desc
        """,
        ("weight", "deviations", "relative", "change"),
        EARLIER_DAYS,
    ),
    RowsCheck(
        "scores_jumped",
        SUITE,
        "audit.score_changes",
        "No category's 30-day figure is far from the published one.",
        """
        select category_name, metric, malls,
            round(published_mean, 4) as published_mean, round(mean, 4) as mean
        from {batch}
        where
            malls >= $malls
            and relative_change >= $relative
            and change >= $change
        order by relative_change desc
        """,
        ("malls", "relative", "change"),
        PUBLISHED,
    ),
    RowsCheck(
        "feed_stopped",
        SUITE,
        "audit.feeds",
        "No source's new day is missing for half of the malls.",
        """
        select source, date_day, malls, malls_missing
        from {batch}
        where
            malls >= $malls
            and malls_missing >= $share * malls
            and malls_silent >= $share * malls_listed
        order by all
        """,
        ("malls", "share"),
        COMPLETENESS,
    ),
    RowsCheck(
        "days_incomplete",
        SUITE,
        "audit.incomplete",
        "No mall's new day is missing or thin.",
        """
        select source, mall_id, date_day, status, rows, expected_rows
        from {batch}
        where status in ('missing', 'low')
        order by all
        """,
        needs=COMPLETENESS,
    ),
)
