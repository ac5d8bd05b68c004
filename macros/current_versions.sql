{% macro current_versions(base, duplicates, key) -%}
select {{ base }}.* exclude (landed, unreadable_columns, reject_reason)
from {{ base }}
where
    {{ base }}.reject_reason is null
    and not exists (
        select 1 as found
        from {{ duplicates }}
        where
            {%- for column in key %}
            {{ 'and ' if not loop.first -}}
            {{ base }}.{{ column }}
            is not distinct from {{ duplicates }}.{{ column }}
            {%- endfor %}
    )
union all by name
select {{ duplicates }}.* exclude (version_rank)
from {{ duplicates }}
where {{ duplicates }}.version_rank = 1
{%- endmacro %}
