{# A row as it was landed, all in texts, made of `landed`. #}
{% macro landed_row(table) -%}
struct_pack(
    {%- for column, native in raw_columns(table).items() %}
    "{{ column }}" := {{ landed_text(column, native) }},
    {%- endfor %}
    landing_id := landed['landing_id']
)
{%- endmacro %}
