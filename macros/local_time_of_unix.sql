{% macro local_time_of_unix(number) -%}
case
    when {{ number }} < 100000000000
        then epoch_ms({{ number }} * 1000 + 28800000)
    when {{ number }} < 253402272000000
        then epoch_ms({{ number }} + 28800000)
end
{%- endmacro %}
