{% macro trimmed_texts(except) -%}
{%- set column = 'columns(* exclude (' ~ except | join(', ') ~ '))' -%}
{{ trimmed_text(column) }} as "\0_text"
{%- endmacro %}
