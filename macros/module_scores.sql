{# The experience score (models/docs/metrics.md), from the two percentiles of a module to
   its score: the one place of 0.7, 0.3 and the curve. 0.7 and 0.3 stand in
   tenths: whole numbers keep a score on paper such as 3 from falling short of a
   threshold by its last digit. Beyond its ends the curve is flat. #}
{% macro module_scores(percentiles, score_curve) -%}
    select
        placed.*,
        5 * case
            when segments.x is null then curve_start.y
            when segments.next_x is null then segments.y
            else
                segments.y
                + (placed.standing - segments.x)
                * (segments.next_y - segments.y)
                / (segments.next_x - segments.x)
        end as module_score
    from (
        select
            *,
            (7 * platform_help_percentile + 3 * help_seeking_percentile) / 10
                as standing
        from {{ percentiles }}
    ) as placed
    asof left join (
        select
            x::double as x,
            y::double as y,
            lead(x::double) over (order by x) as next_x,
            lead(y::double) over (order by x) as next_y
        from {{ score_curve }}
    ) as segments
        on placed.standing >= segments.x
    cross join (
        select arg_min(y::double, x::double) as y from {{ score_curve }}
    ) as curve_start
{%- endmacro %}
