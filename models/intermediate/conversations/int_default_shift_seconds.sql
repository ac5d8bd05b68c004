-- One row a second of the day makes the default shift a plain equality join;
-- a default shift may cross midnight (its end is not after its start).
with

default_shifts as (

    select
        shift_name,
        split_part(start_time, ':', 1)::int * 3600
        + split_part(start_time, ':', 2)::int * 60
        + split_part(start_time, ':', 3)::int as start_second,
        split_part(end_time, ':', 1)::int * 3600
        + split_part(end_time, ':', 2)::int * 60
        + split_part(end_time, ':', 3)::int as end_second
    from {{ ref('default_shifts') }}

),

seconds as (

    select unnest(range(86400)) as second_of_day

),

final as (

    select
        seconds.second_of_day,
        -- A shift that began the evening before began earlier than any of today.
        arg_max(
            default_shifts.shift_name,
            case
                when seconds.second_of_day < default_shifts.start_second
                    then default_shifts.start_second - 86400
                else default_shifts.start_second
            end
        ) as shift_name
    from seconds
    inner join default_shifts
        on case
                when default_shifts.start_second < default_shifts.end_second
                    then
                        seconds.second_of_day >= default_shifts.start_second
                        and seconds.second_of_day < default_shifts.end_second
                else
                    seconds.second_of_day >= default_shifts.start_second
                    or seconds.second_of_day < default_shifts.end_second
            end
    group by seconds.second_of_day

)

select * from final
