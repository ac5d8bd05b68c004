{% macro text_form(columns, times) -%}
concat_ws(
    chr(31),
    {%- for column in columns %}
    {%- set value = 'epoch_ms(' ~ column ~ ') - 28800000' if column in times else column %}
    coalesce(cast({{ value }} as varchar), ''){{ ',' if not loop.last }}
    {%- endfor %}
)
{%- endmacro %}
