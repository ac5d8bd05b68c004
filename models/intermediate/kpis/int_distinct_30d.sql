with

spine as (

    select * from {{ ref('int_kpi_spine') }}

),

final as (

    select
        spine.scope,
        spine.mall_id,
        spine.cs_uid,
        spine.as_of_date,
        cast(
            coalesce(sum(changes.consult_buyers_change) over running, 0)
            as bigint
        ) as distinct_consult_buyers_30d,
        cast(
            coalesce(sum(changes.intervention_orders_change) over running, 0)
            as bigint
        ) as distinct_intervention_orders_30d
    from spine
    left join {{ ref('int_distinct_changes') }} as changes
        on
            spine.scope = changes.scope
            and spine.mall_id = changes.mall_id
            and spine.cs_uid is not distinct from changes.cs_uid
            and spine.as_of_date = changes.change_date
    window running as (
        partition by spine.scope, spine.mall_id, spine.cs_uid
        order by spine.as_of_date
        rows unbounded preceding
    )

)

select * from final
