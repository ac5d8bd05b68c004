{% macro rank_versions(base, key, newest_by, columns, times=[]) -%}
{%- set key_columns = key | join(', ') -%}
select
    {{ columns | join(',\n    ') }},
    loaded_at,
    load_date,
    source_file,
    row_number() over (
        partition by {{ key_columns }}
        order by
            {{ newest_by | join(' desc nulls last,\n            ') }} desc nulls last,
            {{ text_form(columns, times) }} desc,
            load_date desc,
            source_file desc
    ) as version_rank
from {{ base }}
where
    reject_reason is null
    and hash({{ key_columns }}) in (
        select hash({{ key_columns }}) as key_hash
        from {{ base }}
        group by key_hash
        having count(*) > 1
    )
qualify count(*) over (partition by {{ key_columns }}) > 1
{%- endmacro %}
