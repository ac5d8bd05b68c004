-- Several malls as one: parts are added up and divided last; a mean counts as
-- often as it was taken over. One row a set of malls and day, of the two days
-- that are compared. $kind: all, category, mall or group; $name: which, NULL
-- for each. Nothing where no mall has any, and no rate where there is nothing
-- to divide by: least() would pass over the null and give 1.
-- $over_all_messages: the mean response time counts unanswered ones (a var).
with

members as (

    select
        'all' as kind,
        '' as name,
        mall_id
    from dim_malls
    union all
    select
        'category' as kind,
        category_name as name,
        mall_id
    from dim_malls
    union all
    select
        'mall' as kind,
        mall_id as name,
        mall_id
    from dim_malls
    union all
    select
        'group' as kind,
        group_name as name,
        mall_id
    from dim_mall_groups

),

chosen as (

    select
        name,
        mall_id,
        as_of_date
    from members
    cross join (select unnest([$as_of::date, $as_of::date - 7]) as as_of_date)
    where kind = $kind and ($name is null or name = $name)

),

rows_of_malls as (

    select
        chosen.name,
        chosen.as_of_date,
        chosen.mall_id,
        kpis.* exclude (mall_id, as_of_date, incomplete_days_30d, is_complete),
        kpis.mall_id as kpis_of,
        help.mall_id as help_of,
        help.grouped_orders_30d,
        help.help_orders_30d,
        help.platform_help_orders_30d,
        case
            when $over_all_messages then kpis.assessed_messages
            else kpis.answered_messages
        end as timed_messages,
        greatest(kpis.incomplete_days_30d, help.incomplete_days_30d)
            as incomplete_days
    from chosen
    left join mall_kpi_30d as kpis
        on
            chosen.mall_id = kpis.mall_id
            and chosen.as_of_date = kpis.as_of_date
    left join help_seeking_rate_30d as help
        on
            chosen.mall_id = help.mall_id
            and chosen.as_of_date = help.as_of_date
            and help.module = 'all'

),

sums as (

    select
        name,
        as_of_date,
        count(coalesce(kpis_of, help_of)) as malls,
        count_if(incomplete_days > 0) as incomplete_malls,
        sum(grouped_orders_30d)::bigint as grouped_orders_30d,
        sum(help_orders_30d)::bigint as help_orders_30d,
        sum(platform_help_orders_30d)::bigint
            as platform_help_orders_30d,
        sum(consult_buyers)::bigint as consult_buyers,
        sum(assessed_consult_buyers)::bigint
            as assessed_consult_buyers,
        sum(assessed_messages)::bigint as assessed_messages,
        sum(messages_replied_30s)::bigint as messages_replied_30s,
        sum(answered_messages)::bigint as answered_messages,
        sum(avg_response_seconds * timed_messages)
        / nullif(
            sum(timed_messages) filter (avg_response_seconds is not null), 0
        ) as avg_response_seconds,
        sum(late_buyers_3min)::bigint as late_buyers_3min,
        sum(late_buyers_5min)::bigint as late_buyers_5min,
        sum(ineffective_buyers)::bigint as ineffective_buyers,
        sum(inquiry_buyers)::bigint as inquiry_buyers,
        sum(final_group_buyers)::bigint as final_group_buyers,
        sum(sales_amount)::decimal(18, 2) as sales_amount,
        sum(sales_buyers)::bigint as sales_buyers,
        sum(complaint_buyers)::bigint as complaint_buyers,
        sum(rating_count)::bigint as rating_count,
        sum(low_rating_count)::bigint as low_rating_count,
        sum(grouped_orders)::bigint as grouped_orders,
        sum(refunded_orders)::bigint as refunded_orders,
        sum(dispute_refund_orders)::bigint
            as dispute_refund_orders,
        sum(platform_intervention_orders)::bigint
            as platform_intervention_orders,
        sum(quality_refund_orders)::bigint
            as quality_refund_orders,
        sum(avg_refund_hours * refunded_orders)
        / nullif(sum(refunded_orders), 0) as avg_refund_hours,
        sum(after_sales_first_responses)::bigint
            as after_sales_first_responses,
        sum(after_sales_first_response_seconds * after_sales_first_responses)
        / nullif(sum(after_sales_first_responses), 0)
            as after_sales_first_response_seconds,
        sum(after_sales_assessed_buyers)::bigint
            as after_sales_assessed_buyers,
        sum(after_sales_ineffective_buyers)::bigint
            as after_sales_ineffective_buyers
    from rows_of_malls
    group by name, as_of_date

)

select
    *,
    help_orders_30d / nullif(grouped_orders_30d, 0) as help_seeking_rate,
    platform_help_orders_30d / nullif(grouped_orders_30d, 0)
        as platform_help_rate,
    messages_replied_30s / nullif(assessed_messages, 0) as reply_rate_30s,
    1 - late_buyers_3min / nullif(assessed_consult_buyers, 0)
        as reply_rate_3min,
    1 - late_buyers_5min / nullif(assessed_consult_buyers, 0)
        as reply_rate_5min,
    1 - ineffective_buyers / nullif(assessed_consult_buyers, 0)
        as effective_reply_rate,
    final_group_buyers / nullif(inquiry_buyers, 0) as inquiry_conversion_rate,
    sales_amount::double / nullif(sales_buyers, 0) as avg_order_value,
    case
        when consult_buyers > 0 then least(1, complaint_buyers / consult_buyers)
    end as complaint_rate,
    low_rating_count / nullif(rating_count, 0) as low_rating_rate,
    case
        when grouped_orders > 0 then least(1, refunded_orders / grouped_orders)
    end as refund_rate,
    case
        when grouped_orders > 0
            then least(1, dispute_refund_orders / grouped_orders)
    end as dispute_refund_rate,
    dispute_refund_orders / nullif(refunded_orders, 0)
        as dispute_refund_rate_of_refunds,
    case
        when grouped_orders > 0
            then least(1, platform_intervention_orders / grouped_orders)
    end as platform_intervention_rate,
    case
        when grouped_orders > 0
            then least(1, quality_refund_orders / grouped_orders)
    end as quality_refund_rate,
    1 - after_sales_ineffective_buyers / nullif(after_sales_assessed_buyers, 0)
        as after_sales_effective_reply_rate
from sums
order by name, as_of_date
