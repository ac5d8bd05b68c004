{% macro count_references(column, tables) -%}
{%- for table in tables %}
select
    '{{ table }}' as source,
    load_date,
    '{{ column }}' as column_name,
    mall_id,
    {{ column }} as member,
    count(*) as rows
from {{ only_touched(
    ref('stg_pdd__' ~ table), by='int_touched_loads', key=['load_date'],
    listed={'source': table}
) }}
where {{ column }} is not null
group by load_date, mall_id, {{ column }}
{{- ' union all ' if not loop.last }}
{%- endfor %}
{%- endmacro %}
