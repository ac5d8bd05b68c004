{% macro trimmed_texts(table, except=[]) -%}
{%- set native = [] -%}
{%- for column, type in raw_columns(table).items() if type -%}
    {%- do native.append(column ~ '_native') -%}
{%- endfor -%}
{%- set kept = ['load_date', 'landing_id'] + except + native -%}
{%- set column = 'columns(* exclude (' ~ kept | join(', ') ~ '))' -%}
{{ trimmed_text(column) }} as "\0_text"
{%- for column in native %},
{{ column }}
{%- endfor -%}
{%- endmacro %}
