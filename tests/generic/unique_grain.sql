{% test unique_grain(model, columns) %}

{%- set grain = columns | join(', ') %}

-- Nulls count as equal values. Hashes are compared first: they are narrow, so
-- only rows that may be duplicates are grouped by their full, wide key.
with

candidates as (

    select {{ grain }}
    from {{ model }}
    where
        hash({{ grain }}) in (
            select hash({{ grain }}) as grain_hash
            from {{ model }}
            group by grain_hash
            having count(*) > 1
        )

)

select
    {{ grain }},
    count(*) as occurrences
from candidates
group by {{ grain }}
having count(*) > 1

{% endtest %}
