{%- set min_days = var('completeness_min_days') -%}
{%- set min_rows = var('completeness_min_rows') -%}
{%- set low_share = var('completeness_low_share') -%}

with

source_days as (

    select * from {{ ref('int_source_days') }}

),

judged as (

    -- A shortfall must weigh more than chance: none of 50 rows as much as half
    -- of 200, which is what the square gives.
    select
        *,
        case
            when days_seen < {{ min_days }} then 'not_judged'
            when
                rows = 0
                and is_alive
                and expected_rows * (days_silent // usual_gap_days)
                >= {{ min_rows }}
                then 'missing'
            when
                rows > 0
                and rows < {{ low_share }} * expected_rows
                and (expected_rows - rows) * (expected_rows - rows)
                >= {{ min_rows }} * expected_rows
                then 'low'
            when
                rows >= {{ low_share }} * expected_rows
                and expected_rows >= {{ min_rows }}
                then 'complete'
            else 'not_judged'
        end as own_status
    from source_days

),

all_malls as (

    select * from judged
    where scope = 'all'

),

final as (

    -- A day on which all malls together lack rows is lost also for those that
    -- are too small to be judged alone, if they have as few.
    select
        judged.mall_id,
        judged.source,
        judged.date_day,
        judged.rows,
        judged.expected_rows,
        judged.usual_gap_days,
        judged.days_silent,
        case
            when
                judged.own_status = 'not_judged'
                and judged.is_alive
                and all_malls.own_status in ('low', 'missing')
                and judged.rows < {{ low_share }} * judged.expected_rows
                then case when judged.rows = 0 then 'missing' else 'low' end
            else judged.own_status
        end as status
    from judged
    inner join all_malls
        on
            judged.source = all_malls.source
            and judged.date_day = all_malls.date_day
    where judged.scope = 'mall'

)

select * from final
