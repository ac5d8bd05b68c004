{# The current rows of a table as one select, from its base model and its ranked
   duplicates: an accepted row stands for its key if no other does. Rows whose
   keys share a hash are among the duplicates, each key ranked by itself. #}
{% macro current_versions(table) -%}
select versions.* exclude (landed, unreadable_columns, reject_reason)
from {{ ref('base_pdd__' ~ table) }} as versions
where
    versions.reject_reason is null
    and versions.key_hash not in (
        select duplicates.key_hash
        from {{ ref('base_pdd__' ~ table ~ '_duplicates') }} as duplicates
    )
union all by name
select * exclude (version_rank)
from {{ ref('base_pdd__' ~ table ~ '_duplicates') }}
where version_rank = 1
{%- endmacro %}
