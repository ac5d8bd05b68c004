{{
    config(
        materialized='incremental',
        meta={
            'touched_by': 'int_touched_as_of_dates',
            'touched_key': ['as_of_date'],
        },
    )
}}

with

peer_groups as (

    select * from {{ only_touched(
        ref('int_experience_peer_groups'), by='int_touched_as_of_dates',
        key=['as_of_date']
    ) }}

),

rates as (

    select * from {{ only_touched(
        ref('int_help_rates_30d'), by='int_touched_as_of_dates',
        key=['as_of_date']
    ) }}
    where breakdown = 'module'

),

module_weights as (

    select * from {{ ref('module_weights') }}

),

measured as (

    select
        peer_groups.*,
        rates.member as module,
        unnest(['platform_help_rate', 'help_seeking_rate']) as metric,
        unnest([rates.platform_help_rate, rates.help_seeking_rate])
            as metric_value
    from peer_groups
    inner join rates
        on
            peer_groups.mall_id = rates.mall_id
            and peer_groups.as_of_date = rates.as_of_date
    inner join module_weights
        on rates.member = module_weights.module

),

ranked as (

    select
        *,
        count(*) over (
            partition by as_of_date, comparison, peer_group, module, metric
        ) as peers,
        rank() over (
            partition by as_of_date, comparison, peer_group, module, metric
            order by metric_value desc
        ) - 1 as malls_with_higher,
        count(*) over (
            partition by
                as_of_date, comparison, peer_group, module, metric, metric_value
        ) as malls_with_same
    from measured

),

final as (

    -- A higher help rate is worse: beaten are those who have one.
    select
        mall_id,
        as_of_date,
        module,
        max({{ half_tie_percentile(
            'malls_with_higher', 'malls_with_same', 'peers'
        ) }}) filter (metric = 'platform_help_rate')
            as platform_help_percentile,
        max({{ half_tie_percentile(
            'malls_with_higher', 'malls_with_same', 'peers'
        ) }}) filter (metric = 'help_seeking_rate')
            as help_seeking_percentile
    from ranked
    where is_own
    group by mall_id, as_of_date, module

)

select * from final
