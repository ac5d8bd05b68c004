{# The current rows of a table as one select, from its base model and its ranked
   duplicates: an accepted row stands for its key if no other does. #}
{% macro current_versions(table, key) -%}
select versions.* exclude (landed, unreadable_columns, reject_reason)
from {{ ref('base_pdd__' ~ table) }} as versions
where
    versions.reject_reason is null
    and not exists (
        select 1 as found
        from {{ ref('base_pdd__' ~ table ~ '_duplicates') }} as duplicates
        where
            {%- for column in key %}
            {{ 'and ' if not loop.first -}}
            versions.{{ column }} is not distinct from duplicates.{{ column }}
            {%- endfor %}
    )
union all by name
select * exclude (version_rank)
from {{ ref('base_pdd__' ~ table ~ '_duplicates') }}
where version_rank = 1
{%- endmacro %}
