{% macro rank_versions(base, key, newest_by, columns, times=[], told_by_these=[]) -%}
select
    landing_id,
    key_hash,
    {{ (columns + told_by_these) | join(',\n    ') }},
    loaded_at,
    load_date,
    source_file,
    row_number() over (
        partition by {{ key | join(', ') }}
        order by
            {{ newest_by | join(' desc nulls last,\n            ') }} desc nulls last,
            case
                when
                    key_hash in (
                        select key_hash
                        from {{ base }}
                        where reject_reason is null
                        group by key_hash, {{ newest_by | join(', ') }}
                        having count(*) > 1
                    )
                    then {{ text_form(columns, times) }}
            end desc,
            load_date desc,
            source_file desc,
            landing_id desc
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
