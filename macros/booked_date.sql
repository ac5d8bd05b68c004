{% macro booked_date(folder_date, loaded_at) -%}
coalesce(
    {{ folder_date }}, cast({{ loaded_at }} as date), date '1970-01-01'
)
{%- endmacro %}
