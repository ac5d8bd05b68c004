{% macro rank_versions(base, key, newest_by, columns, times=[]) -%}
select
    landing_id,
    key_hash,
    {{ columns | join(',\n    ') }},
    loaded_at,
    load_date,
    source_file,
    row_number() over (
        partition by {{ key | join(', ') }}
        order by
            {{ newest_by | join(' desc nulls last,\n            ') }} desc nulls last,
            {{ text_form(columns, times) }} desc,
            load_date desc,
            source_file desc
    ) as version_rank
from {{ base }}
where
    reject_reason is null
    and key_hash in (
        select key_hash
        from {{ base }}
        where reject_reason is null
        group by key_hash
        having count(*) > 1
    )
{%- endmacro %}
