-- An order grouped on c with a first counted request on r is a help order of
-- the 30 days to D for each D from the later of the two to c + 29: it enters
-- (+1) and leaves (-1) a running sum once, in all, by module and by problem.
{%- set touched = {
    'by': 'changes.int_help_requests',
    'key': ['mall_id', 'confirm_date'],
} %}
{{ config(
    materialized='incremental',
    meta={
        'touched_by': touched.by, 'touched_key': touched.key,
        'changes': {
            'mall_id': 'varchar', 'confirm_date': 'date', 'change_date': 'date',
        },
    },
) }}

with

requests as (

    select * from {{ only_touched(ref('int_help_requests'), **touched) }}
    where is_counted

),

broken_down as (

    select
        mall_id,
        order_sn,
        confirm_date,
        request_date,
        channel,
        is_platform,
        unnest(['module', 'module', 'problem']) as breakdown,
        unnest(['all', module, problem_code]) as member
    from requests

),

measured as (

    select
        *,
        unnest(
            case
                when is_platform then ['any', 'platform', channel]
                else ['any', channel]
            end
        ) as measure
    from broken_down

),

stays as (

    select
        mall_id,
        breakdown,
        member,
        measure,
        order_sn,
        confirm_date,
        greatest(min(request_date), confirm_date) as enters_on,
        confirm_date + 30 as leaves_on
    from measured
    group by mall_id, breakdown, member, measure, order_sn, confirm_date
    having min(request_date) < confirm_date + 30

),

changes as (

    select
        mall_id,
        breakdown,
        member,
        measure,
        confirm_date,
        unnest([enters_on, leaves_on]) as change_date,
        unnest([1, -1]) as change
    from stays

),

final as (

    select
        mall_id,
        breakdown,
        member,
        measure,
        confirm_date,
        change_date,
        cast(sum(change) as bigint) as change
    from changes
    group by
        mall_id, breakdown, member, measure, confirm_date, change_date
    {{ lay_by_day('change_date') }}

)

select * from final
