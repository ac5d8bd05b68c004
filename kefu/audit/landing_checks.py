"""The suite of the landings: what came in, judged by what usually comes in."""

from kefu.audit.checks import RowsCheck

SUITE = "landings"
EARLIER_LOADS = "not enough earlier loads to compare with"
EARLIER_DAYS = "not enough earlier days to compare with"

SHARE_COLUMNS = """
    select source, mall_id, load_date, detail, rows,
        round(share, 4) as share, round(usual_share, 4) as usual_share
    from {batch}
"""
# Worst first, and all malls together before each.
WORST = "order by mall_id = '(all)' desc, deviations desc"


def share_check(name: str, meaning: str, *measures: str, where: str = "") -> RowsCheck:
    """Return a check of how shares of new loads differ from the usual ones."""
    listed = ", ".join(f"'{measure}'" for measure in measures)
    return RowsCheck(
        name,
        SUITE,
        "audit.share_changes",
        meaning,
        f"""
        {SHARE_COLUMNS}
        where
            window_loads = 1
            and measure in ({listed})
            and rows_alone >= $rows
            and deviations >= $deviations
            and abs(change) >= if(mall_id = '(all)', $change, $change_mall)
            and share not between lowest and highest
            {where}
        {WORST}
        """,
        ("rows", "deviations", "change", "change_mall"),
        EARLIER_LOADS,
    )


VOLUME_COLUMNS = """
    select source, mall_id, day, window_days, rows,
        round(expected, 1) as expected, days_before
    from {batch}
"""

CHECKS = (
    RowsCheck(
        "raw_columns",
        SUITE,
        "audit.raw_columns",
        "New files have the columns that the files before them had.",
        """
        select source, load_date, column_name, files_without, files
        from {batch}
        where files_without > 0
        order by files_without desc, source, load_date, column_name
        """,
        needs="no headers of earlier files to compare with",
    ),
    RowsCheck(
        "loaded_in_future",
        SUITE,
        "audit.load_times",
        "No row was loaded after this moment.",
        """
        select source, load_date, newest_loaded_at,
            round(minutes_ahead) as minutes_ahead
        from {batch}
        where minutes_ahead > $minutes
        order by minutes_ahead desc
        """,
        ("minutes",),
        "landed rows",
    ),
    RowsCheck(
        "loaded_off_folder",
        SUITE,
        "audit.load_times",
        "Every `_loaded_at` lies within a day of its folder's load date.",
        """
        select source, load_date, rows_off_folder, rows
        from {batch}
        where rows_off_folder > $rows
        order by rows_off_folder desc
        """,
        ("rows",),
        "landed rows",
    ),
    RowsCheck(
        "nothing_new",
        SUITE,
        "audit.load_times",
        "The newest load of messages or orders is recent.",
        """
        select max(newest_loaded_at) as newest_loaded_at,
            round(-max(minutes_ahead) / 60) as hours_ago
        from {batch}
        where source in ('messages', 'orders')
        having -max(minutes_ahead) / 60 > $hours
        """,
        ("hours",),
        "landed rows",
    ),
    RowsCheck(
        "day_missing",
        SUITE,
        "audit.volumes",
        "Every source that usually has rows has rows of each new day.",
        f"""
        {VOLUME_COLUMNS}
        where
            mall_id = '(all)'
            and source in ('messages', 'orders', 'refunds', 'complaints')
            and expected >= $expected
            and rows <= $share * expected
            and rows < lowest
        order by expected desc
        """,
        ("expected", "share"),
        EARLIER_DAYS,
    ),
    RowsCheck(
        "volume_low",
        SUITE,
        "audit.volumes",
        "No source has far fewer rows than usual.",
        f"""
        {VOLUME_COLUMNS}
        where
            mall_id = '(all)'
            and expected >= $expected
            and rows < $share * expected
            and deviations <= -$deviations
            and rows < lowest
        order by rows / expected
        """,
        ("expected", "share", "deviations"),
        EARLIER_DAYS,
    ),
    RowsCheck(
        "volume_high",
        SUITE,
        "audit.volumes",
        "No source has far more rows than usual.",
        f"""
        {VOLUME_COLUMNS}
        where
            mall_id = '(all)'
            and expected >= $expected
            and rows > expected * if(is_sale_season, $times_in_season, $times)
            and deviations >= $deviations
            and rows > highest
        order by rows / expected desc
        """,
        ("expected", "times", "times_in_season", "deviations"),
        EARLIER_DAYS,
    ),
    RowsCheck(
        "mall_volume_low",
        SUITE,
        "audit.volumes",
        "No mall has far fewer rows than on its quietest days.",
        f"""
        {VOLUME_COLUMNS}
        where
            mall_id <> '(all)'
            and source in ('messages', 'orders')
            and expected >= $expected
            and rows < $share * expected
            and deviations <= -$deviations
            and rows < $of_lowest * lowest
        order by deviations
        """,
        ("expected", "share", "deviations", "of_lowest"),
        EARLIER_DAYS,
    ),
    RowsCheck(
        "mall_day_thin",
        SUITE,
        "audit.thin_days",
        "No mall has its fewest messages on a day of usual orders, or the reverse.",
        """
        select source, mall_id, day, rows, round(expected, 1) as expected,
            round(out_of_proportion, 1) as out_of_proportion
        from {batch}
        where
            expected >= $expected
            and rows < $share * expected
            and rows < lowest
            and out_of_proportion >= $deviations
        order by out_of_proportion desc
        """,
        ("expected", "share", "deviations"),
        EARLIER_DAYS,
    ),
    RowsCheck(
        "mall_volume_unusual",
        SUITE,
        "audit.volumes",
        "No mall has far fewer or far more rows than usual.",
        f"""
        {VOLUME_COLUMNS}
        where
            mall_id <> '(all)'
            and expected >= $expected
            and abs(deviations) >= $deviations
            and rows not between $share * expected and $times * expected
            and rows not between lowest and highest
        order by abs(deviations) desc
        """,
        ("expected", "share", "times", "deviations"),
        EARLIER_DAYS,
    ),
    share_check(
        "empty_values",
        "No column is empty far more, or far less, often than usual.",
        "empty",
    ),
    share_check(
        "codes",
        "No code of the raw contract is far more or far less frequent than usual.",
        "code",
    ),
    RowsCheck(
        "codes_lost",
        SUITE,
        "audit.share_changes",
        "No code that every load has is missing from a new one.",
        f"""
        {SHARE_COLUMNS}
        where
            measure = 'code'
            and usual_share < 1
            and least(
                usual_share / (1 - usual_share) * (1 - share) * rows_alone,
                part_a_load * window_loads * rows_alone / rows
            ) >= $expected
            and share <= $share * usual_share
            and if(window_loads = 1, lowest > 0, part_a_load < $expected)
        {WORST}
        """,
        ("expected", "share"),
        EARLIER_LOADS,
    ),
    share_check(
        "hours_shifted",
        "The rows of a load spread over the day as usual.",
        "hour",
    ),
    share_check(
        "times_out_of_order",
        "Times of one row follow each other as usual.",
        "order",
    ),
    share_check(
        "old_events",
        "New loads hold no more old events than usual.",
        "old",
        where="and change > 0",
    ),
    share_check(
        "columns_swapped",
        "Values stand in the columns that they belong to.",
        "swapped",
    ),
    share_check(
        "texts_garbled",
        "Texts can be read as Chinese as often as usual.",
        "garbled",
        where="and change > 0",
    ),
    share_check(
        "chats_cut",
        "Chats have two sides and are as long as usual.",
        "chats",
        "turns",
    ),
    share_check(
        "chats_per_order",
        "A mall's chats and orders keep their usual proportion.",
        "mix",
    ),
    share_check(
        "agents_out_of_place",
        "Agents answer the chats assigned to them, within their shifts.",
        "place",
        where="and change > 0",
    ),
    share_check(
        "rows_repeated",
        "No load holds the same row twice more often than usual.",
        "repeated",
        where="and change > 0",
    ),
    share_check(
        "rows_doubled",
        "No load holds the same event under several ids more often than usual.",
        "twins",
        where="and change > 0",
    ),
    share_check(
        "rows_rejected",
        "No more rows of a load are rejected than usual.",
        "rejected",
        where="and change > 0",
    ),
    share_check(
        "values_unreadable",
        "No more values of a load are unreadable than usual.",
        "unreadable",
        where="and change > 0",
    ),
    share_check(
        "members_unknown",
        "No more rows of a load name an unknown mall, agent or order than usual.",
        "unknown_member",
        where="and change > 0",
    ),
    share_check(
        "shares_unusual",
        "No share of a load is clearly other than usual.",
        "empty",
        "code",
        "hour",
        "order",
        "old",
        "swapped",
        "garbled",
        "chats",
        "turns",
        "mix",
        "place",
        "repeated",
        "twins",
        "rejected",
        "unreadable",
        "unknown_member",
    ),
    RowsCheck(
        "units_changed",
        SUITE,
        "audit.amount_changes",
        "Amounts and durations are of the usual size.",
        """
        select source, mall_id, load_date, column_name, rows,
            round(median, 2) as median, round(usual_median, 2) as usual_median
        from {batch}
        where rows >= $rows and (ratio >= $times or ratio <= 1 / $times)
        order by mall_id = '(all)' desc, abs(ln(ratio)) desc
        """,
        ("rows", "times"),
        EARLIER_LOADS,
    ),
)
