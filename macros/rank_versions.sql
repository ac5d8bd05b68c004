{% macro rank_versions(base, key, newest_by, text_form) -%}
{%- set key_hash = 'hash(' ~ key | join(', ') ~ ')' -%}
select
    * exclude (landed, unreadable_columns, reject_reason),
    row_number() over (
        partition by {{ key | join(', ') }}
        order by
            {%- for column in newest_by %}
            {{ column }} desc nulls last,
            {%- endfor %}
            {{ text_of_row(text_form) }} desc,
            load_date desc,
            source_file desc
    ) as version_rank
from {{ base }}
where
    reject_reason is null
    and {{ key_hash }} in (
        select {{ key_hash }} as key_hash
        from {{ base }}
        group by key_hash
        having count(*) > 1
    )
qualify count(*) over (partition by {{ key | join(', ') }}) > 1
{%- endmacro %}
