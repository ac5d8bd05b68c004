{# True when the text YYYY-MM-DD is a day of the calendar. #}
{% macro is_calendar_date(text) %}
    {% set year, month, day = text[0:4] | int, text[5:7] | int, text[8:10] | int %}
    {% set leap = (year % 4 == 0 and year % 100 != 0) or year % 400 == 0 %}
    {% set lengths = [31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] %}
    {{ return(year >= 1 and 1 <= month <= 12 and 1 <= day <= lengths[month - 1]) }}
{% endmacro %}
