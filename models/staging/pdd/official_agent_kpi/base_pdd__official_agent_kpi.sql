{{
    config(
        materialized='incremental',
        meta={
            'landing': 'official_agent_kpi',
            'touched_by': 'landings',
            'touched_key': ['landing_id'],
            'changes': {'key_hash': 'ubigint', 'load_date': 'date'},
        },
        post_hook="{{ book_landing('official_agent_kpi') }}",
    )
}}

with

official_agent_kpi as (

    select * from {{ landed('official_agent_kpi') }}

),

trimmed as (

    select
        {{ trimmed_texts('official_agent_kpi') }},
        load_date as folder_date,
        landing_id,
        official_agent_kpi as landed
    from official_agent_kpi

),

timed as (

    select
        *,
        {{ read_times(['_loaded_at']) }}
    from trimmed

),

typed as (

    select
        mall_id_text as mall_id,
        {{ parse_date('period_start_text') }} as period_start,
        {{ parse_date('period_end_text') }} as period_end,
        row_type_text as row_type,
        case when row_type = 'agent' then cs_account_text end as cs_account,
        {{ parse_finite('service_score_text') }} as service_score,
        {% for column in [
            'consult_buyers', 'inquiry_buyers', 'inquiry_lost_buyers',
            'final_group_buyers', 'need_human_buyers', 'received_buyers',
            'late_buyers_3min', 'rating_count', 'low_rating_count',
            'dispute_refund_count', 'complaint_count',
        ] -%}
            cast({{ parse_integer(column) }} as bigint) as {{ column }},
        {% endfor -%}
        {{ parse_money('sales_amount_text') }} as sales_amount,
        {{ parse_money('net_sales_amount_text') }} as net_sales_amount,
        {{ parse_money('improvable_sales_amount_text') }} as improvable_sales_amount,
        {{ parse_share('inquiry_conversion_rate_text') }} as inquiry_conversion_rate,
        {{ parse_share('reply_rate_3min_text') }} as reply_rate_3min,
        {{ parse_share('reply_rate_3min_all_day_text') }} as reply_rate_3min_all_day,
        {{ parse_share('reply_rate_30s_text') }} as reply_rate_30s,
        {{ parse_share('reply_rate_30s_all_day_text') }} as reply_rate_30s_all_day,
        {{ parse_share('low_rating_rate_text') }} as low_rating_rate,
        {{ parse_finite('avg_response_seconds_text') }} as avg_response_seconds,
        avg_response_printed_text as avg_response_printed,
        {{ parse_loaded_at('_loaded_at') }} as loaded_at,
        {{ booked_date('folder_date', 'loaded_at') }} as load_date,
        _source_file_text as source_file,
        landing_id,
        landed,
        {{ unreadable_columns(
            'official_agent_kpi',
            [
                'service_score', 'consult_buyers', 'inquiry_buyers',
                'inquiry_lost_buyers', 'final_group_buyers',
                'need_human_buyers', 'received_buyers', 'late_buyers_3min',
                'rating_count', 'low_rating_count', 'dispute_refund_count',
                'complaint_count', 'sales_amount', 'net_sales_amount',
                'improvable_sales_amount', 'inquiry_conversion_rate',
                'reply_rate_3min', 'reply_rate_3min_all_day',
                'reply_rate_30s', 'reply_rate_30s_all_day', 'low_rating_rate',
                'avg_response_seconds',
            ],
        ) }} as unreadable_columns
    from timed

),

final as (

    select
        * exclude (landed),
        {{ key_hash('mall_id, period_start, period_end, row_type, cs_account') }},
        case
            when
                row_type is null
                or (row_type = 'agent' and cs_account is null)
                then 'missing_key'
            when loaded_at is null then 'missing_loaded_at'
            when mall_id is null then 'missing_mall_id'
            {{ event_time_reasons('official_agent_kpi', 'period_end', 'period_end') }}
            when period_start is null or period_start > period_end
                then 'invalid_period'
            when row_type not in ('mall_total', 'mall_average', 'agent')
                then 'invalid_row_type'
        end as reject_reason,
        case
            when reject_reason is not null
                then [{{ landed_row('official_agent_kpi') }}]
        end as landed
    from typed

)

select * from final
