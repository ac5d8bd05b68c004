{# The current rows of a table as one select, from its base model and its ranked
   duplicates: an accepted row stands for its key if no other does. Rows whose
   keys share a hash are among the duplicates, each key ranked by itself.
   touched: keeps to the rows that only_touched(**touched) would; a row that is not
   alone is itself among the duplicates, and so among the touched ones of them. #}
{% macro current_versions(table, touched=none) -%}
{%- if touched -%}
{%- set base = only_touched(below('staging', 'base_pdd__' ~ table), **touched) -%}
{%- set duplicates = 'duplicates' -%}
with

duplicates as materialized (

    select * from {{ only_touched(
        below('staging', 'base_pdd__' ~ table ~ '_duplicates'), **touched
    ) }}

)

{% else -%}
{%- set base = ref('base_pdd__' ~ table) -%}
{%- set duplicates = ref('base_pdd__' ~ table ~ '_duplicates') -%}
{%- endif -%}
select versions.* exclude (landed, unreadable_columns, reject_reason)
from {{ base }} as versions
where
    versions.reject_reason is null
    and versions.key_hash not in (
        select duplicates.key_hash
        from {{ duplicates }} as duplicates
    )
union all by name
select * exclude (version_rank)
from {{ duplicates }} as duplicates
where version_rank = 1
{%- endmacro %}
