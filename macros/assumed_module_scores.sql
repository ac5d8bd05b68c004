{# What a module would score if the mall's two rates were others and its peers
   stayed as they are on that date. Only scored malls have an answer.
   assumed: relation of different rows with mall_id, as_of_date, module,
   platform_help_rate and help_seeking_rate; what else it has is kept. #}
{% macro assumed_module_scores(assumed) -%}
    with

    scored as (

        select
            modules.mall_id,
            modules.as_of_date,
            modules.module,
            modules.platform_help_rate,
            modules.help_seeking_rate,
            scores.category_name,
            scores.peer_scope
        from {{ ref('experience_module_scores_30d') }} as modules
        inner join {{ ref('experience_score_30d') }} as scores
            on
                modules.mall_id = scores.mall_id
                and modules.as_of_date = scores.as_of_date
        where scores.score_status = 'scored'

    ),

    compared as (

        select
            assumed.*,
            count(others.mall_id) + 1 as peers,
            count_if(others.platform_help_rate > assumed.platform_help_rate)
                as platform_beaten,
            count_if(others.platform_help_rate = assumed.platform_help_rate) + 1
                as platform_same,
            count_if(others.help_seeking_rate > assumed.help_seeking_rate)
                as help_beaten,
            count_if(others.help_seeking_rate = assumed.help_seeking_rate) + 1
                as help_same
        from {{ assumed }} as assumed
        inner join scored as own
            on
                assumed.mall_id = own.mall_id
                and assumed.as_of_date = own.as_of_date
                and assumed.module = own.module
        left join scored as others
            on
                own.as_of_date = others.as_of_date
                and own.module = others.module
                and own.mall_id != others.mall_id
                and (
                    own.peer_scope = 'all'
                    or own.category_name = others.category_name
                )
        group by all

    ),

    percentiles as (

        select
            *,
            {{ half_tie_percentile('platform_beaten', 'platform_same', 'peers') }}
                as platform_help_percentile,
            {{ half_tie_percentile('help_beaten', 'help_same', 'peers') }}
                as help_seeking_percentile
        from compared

    )

    {{ module_scores('percentiles', ref('score_curve')) }}
{%- endmacro %}
