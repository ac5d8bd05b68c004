{# What the mall's own help orders did to a module's score between two dates, on
   the ground of the earlier one: its peers and the mall's grouped orders then.
   The module is scored with the counts as they started, with the problems added
   that rose, with those that fell, and with the counts of the later date. The
   effect of a group is the mean of adding it first and adding it last, so the
   two make up the whole; a group never works against its direction, what is
   left to that end (orders with several problems) stays out.
   modules: relation with mall_id, module, date_from, date_to, one row a module.
   problems: relation with mall_id, module, help_change, platform_change and
   weighted_change, one row a problem. #}
{% macro help_order_effects(modules, problems) -%}
    with

    moved as (

        select
            mall_id,
            module,
            weighted_change > 0 as has_risen,
            sum(help_change) as help_change,
            sum(platform_change) as platform_change
        from {{ problems }}
        where weighted_change != 0
        group by mall_id, module, has_risen

    ),

    counts as (

        select
            modules.mall_id,
            modules.module,
            modules.date_from as as_of_date,
            earlier.grouped_orders_30d as grouped_orders,
            unnest(['start', 'risen', 'fallen', 'both']) as state,
            unnest([
                earlier.help_orders_30d,
                earlier.help_orders_30d + coalesce(risen.help_change, 0),
                earlier.help_orders_30d + coalesce(fallen.help_change, 0),
                later.help_orders_30d
            ]) as help_orders,
            unnest([
                earlier.platform_help_orders_30d,
                earlier.platform_help_orders_30d
                + coalesce(risen.platform_change, 0),
                earlier.platform_help_orders_30d
                + coalesce(fallen.platform_change, 0),
                later.platform_help_orders_30d
            ]) as platform_help_orders
        from {{ modules }} as modules
        inner join {{ ref('help_seeking_rate_30d') }} as earlier
            on
                modules.mall_id = earlier.mall_id
                and modules.date_from = earlier.as_of_date
                and modules.module = earlier.module
        inner join {{ ref('help_seeking_rate_30d') }} as later
            on
                modules.mall_id = later.mall_id
                and modules.date_to = later.as_of_date
                and modules.module = later.module
        left join moved as risen
            on
                modules.mall_id = risen.mall_id
                and modules.module = risen.module
                and risen.has_risen
        left join moved as fallen
            on
                modules.mall_id = fallen.mall_id
                and modules.module = fallen.module
                and not fallen.has_risen

    ),

    rates as (

        select
            *,
            greatest(platform_help_orders, 0) / grouped_orders
                as platform_help_rate,
            greatest(help_orders, 0) / grouped_orders as help_seeking_rate
        from counts

    ),

    scores as (

        select
            mall_id,
            module,
            max(module_score) filter (state = 'start') as at_start,
            max(module_score) filter (state = 'risen') as with_risen,
            max(module_score) filter (state = 'fallen') as with_fallen,
            max(module_score) filter (state = 'both') as with_both
        from ({{ assumed_module_scores('rates') }})
        group by mall_id, module

    )

    select
        mall_id,
        module,
        least((with_risen - at_start + with_both - with_fallen) / 2, 0)
            as risen_effect,
        greatest((with_fallen - at_start + with_both - with_risen) / 2, 0)
            as fallen_effect
    from scores
{%- endmacro %}
