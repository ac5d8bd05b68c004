{# The view stg_pdd__orders, and for only_touched its touched rows. #}
{% macro select_stg_pdd__orders(touched=none) -%}
with

current_versions as (

    {{ current_versions('orders', touched) }}

),

final as (

    select
        mall_id,
        order_sn,
        buyer_uid,
        goods_id,
        order_status,
        group_status,
        confirm_status,
        refund_status,
        after_sales_status,
        risk_control_status,
        is_lucky_flag,
        goods_count,
        goods_amount,
        discount_amount,
        postage,
        pay_amount,
        created_at,
        paid_at,
        confirmed_at,
        shipped_at,
        received_at,
        updated_at,
        loaded_at,
        load_date
    from current_versions

)

select * from final
{%- endmacro %}
