{# A part of book_landing: rows of an unread landing that were loaded more than a day
   after the clock end the build, and what the model stored goes with it. One such
   row would carry the as-of end, and a day of every 30-day table with it, to the
   year that it names. The variable is the clock's; it is null where the finding
   was accepted. #}
{% macro refuse_future_loads(table) -%}
select
    error(
        'refused: ' || landings.landing || ' holds rows with the _loaded_at '
        || strftime(newest_loads.loaded_at, '%Y-%m-%d %H:%M:%S')
        || ', more than a day after the clock (UTC): land them again with the time'
        || ' at which they really came, or take the file away; if the clock of'
        || ' this machine is wrong, correct it'
    )
from (
    select
        landing_id,
        max(loaded_at) as loaded_at
    from staging.base_pdd__{{ table }}
    where
        loaded_at > getvariable('kefu_latest_load')
        and landing_id in (
            select landing_id from raw.touched_landings where source = '{{ table }}'
        )
    group by landing_id
) as newest_loads
inner join raw.landings
    on
        landings.source = '{{ table }}'
        and newest_loads.landing_id = landings.landing_id
order by newest_loads.loaded_at desc, landings.landing;
{%- endmacro %}
