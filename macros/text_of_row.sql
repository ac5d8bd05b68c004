{% macro text_of_row(columns) -%}
concat_ws(
    chr(31),
    {%- for column in columns %}
    coalesce(cast({{ column }} as varchar), ''){{ ',' if not loop.last }}
    {%- endfor %}
)
{%- endmacro %}
