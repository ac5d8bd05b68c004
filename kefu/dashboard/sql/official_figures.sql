-- The platform's figures of the 30 days to a day, each beside ours.
select
    source,
    mall_id,
    period_start,
    period_end,
    row_type,
    coalesce(cs_account, cs_uid) as account,
    cs_uid,
    account_status,
    official_column,
    item_name,
    metric,
    unit,
    official_value,
    our_value,
    difference,
    our_numerator,
    our_denominator,
    likely_cause,
    definition_differs,
    is_our_value_final,
    is_official_value_final,
    incomplete_days,
    rows_landed_later,
    off_shift_days,
    exported_at,
    is_in_newest_export
from official_reconciliation
where
    period_end between $as_of::date - 29 and $as_of::date
    and ($mall_id is null or mall_id = $mall_id)
order by
    period_end desc,
    source,
    mall_id,
    period_start,
    row_type desc,
    account nulls last,
    metric,
    item_name nulls first
