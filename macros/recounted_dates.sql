{# The as-of dates on which a data test takes 30-day figures anew: the newest, which a
   run changes, and of the older ones each 13th, other ones as the as-of end moves on,
   so that runs come past every date and their cost hardly grows with the history. 13
   divides no number of days between runs that are a week or a month apart. Where only
   each 7th date is taken, say, its weekday moves on with each week. Days after the
   as-of end are there too, for no row must be on them. #}
{% macro recounted_dates(every=1) -%}
select as_of_end - days_before as as_of_date
from (
    select
        as_of_end,
        (as_of_end - date '2015-09-01') // {{ every }} % {{ every }} as shift,
        cast(unnest(range(
            shift - 28, as_of_end - date '2015-09-01' + 1, {{ every }}
        )) as integer) as days_before
    from {{ ref('int_as_of_end') }}
)
where days_before < 60 or (days_before - shift) % {{ 13 * every }} = 0
{%- endmacro %}
