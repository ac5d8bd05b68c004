{% macro parse_date(text) -%}
case
    when
        regexp_full_match({{ text }}, '\d{4}-\d\d-\d\d')
        and {{ text }} >= '0001'
        then try_cast({{ text }} as date)
    when {{ is_timestamp_text(text) }}
        then try_cast(left({{ text }}, 10) as date)
end
{%- endmacro %}
