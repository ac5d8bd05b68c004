{# The rows that one of two row sets has and the other lacks, with the name of
   the one that has them. A null equals a null, and duplicates count. #}
{% macro rows_that_differ(one, other) -%}
    select
        '{{ one }}' as found_only_in,
        *
    from (select * from {{ one }} except all select * from {{ other }})

    union all by name

    select
        '{{ other }}' as found_only_in,
        *
    from (select * from {{ other }} except all select * from {{ one }})
{%- endmacro %}
