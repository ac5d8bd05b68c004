{# The rows of a raw table that a build reads: all, or what is yet unread. Rows of a
   unit test are texts, as they are in the source. #}
{% macro landed(table) -%}
{%- set all_rows = source('pdd', table) -%}
{%- if model.resource_type == 'unit_test' -%}
(
    select
        *
        {%- for column, native in raw_columns(table).items() if native %},
        cast(null as {{ native }}) as {{ column }}_native
        {%- endfor %}
    from {{ all_rows }}
)
{%- else -%}
{%- set read = '_unread' if is_incremental() else '_native' -%}
{{ all_rows.incorporate(path={'identifier': table ~ read}) }}
{%- endif -%}
{%- endmacro %}
