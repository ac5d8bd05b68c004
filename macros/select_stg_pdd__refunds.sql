{# The view stg_pdd__refunds, and for only_touched its touched rows: a refund's older
   versions may be touched by another key than the one in place. #}
{% macro select_stg_pdd__refunds(touched=none) -%}
with

versions as (

    select *
    from {% if not touched -%}
            {{ ref('base_pdd__refunds') }}
        {%- elif touched.key == ['refund_id'] -%}
            {{ only_touched(below('staging', 'base_pdd__refunds'), **touched) }}
        {%- else -%}
            {{ below('staging', 'base_pdd__refunds') }}
        {%- endif %}

),

current_versions as (

    {{ current_versions('refunds', touched) }}

),

-- The platform's own success time is often not landed; the first accepted
-- version that had reached 10 tells it, even one that was superseded since.
first_successes as (

    select
        refund_id,
        min(updated_at) as updated_at
    from versions
    where reject_reason is null and after_sales_status = 10
    group by refund_id

),

final as (

    select
        current_versions.mall_id,
        current_versions.refund_id,
        current_versions.order_sn,
        current_versions.buyer_uid,
        current_versions.after_sale_reason,
        current_versions.problem_code,
        current_versions.liability,
        current_versions.after_sales_type,
        current_versions.after_sales_status,
        coalesce(current_versions.dispute_refund_status, 0) as dispute_refund_status,
        coalesce(current_versions.join_or_not, 0) as join_or_not,
        current_versions.refund_amount,
        current_versions.created_at,
        current_versions.recreated_at,
        current_versions.updated_at,
        coalesce(
            current_versions.refund_success_at, first_successes.updated_at
        ) as refund_success_at,
        current_versions.signed_at,
        current_versions.loaded_at,
        current_versions.load_date
    from current_versions
    left join first_successes
        on current_versions.refund_id = first_successes.refund_id

)

select * from final
{%- endmacro %}
