with

percentiles as (

    -- 0.7 and 0.3 in tenths: whole numbers keep a score on paper such as 3 from
    -- falling short of a threshold by its last digit.
    select
        *,
        (7 * platform_help_percentile + 3 * help_seeking_percentile) / 10
            as standing
    from {{ ref('int_experience_percentiles') }}

),

module_weights as (

    select * from {{ ref('module_weights') }}

),

score_curve as (

    select
        x::double as x,
        y::double as y,
        lead(x::double) over (order by x) as next_x,
        lead(y::double) over (order by x) as next_y
    from {{ ref('score_curve') }}

),

curve_start as (

    select arg_min(y, x) as y from score_curve

),

placed as (

    -- Beyond its ends the curve is flat.
    select
        percentiles.*,
        case
            when score_curve.x is null then curve_start.y
            when score_curve.next_x is null then score_curve.y
            else
                score_curve.y
                + (percentiles.standing - score_curve.x)
                * (score_curve.next_y - score_curve.y)
                / (score_curve.next_x - score_curve.x)
        end as curved
    from percentiles
    asof left join score_curve
        on percentiles.standing >= score_curve.x
    cross join curve_start

),

final as (

    select
        placed.mall_id,
        placed.as_of_date,
        placed.module,
        placed.platform_help_percentile,
        placed.help_seeking_percentile,
        5 * placed.curved as module_score,
        module_weights.weight::double as weight,
        module_weights.position
    from placed
    inner join module_weights
        on placed.module = module_weights.module

)

select * from final
