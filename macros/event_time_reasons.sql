{% macro event_time_reasons(table, local_time, column) -%}
{%- set text = trimmed_text(landed_text(column, raw_columns(table).get(column))) -%}
when {{ local_time }} is null and {{ is_unset_time(text) }}
    then 'missing_event_time'
when {{ local_time }} is null then 'unreadable_event_time'
when {{ local_time }} > loaded_at + interval 32 hours then 'event_after_load'
when {{ local_time }} < timestamp '2015-09-01 00:00:00'
    then 'event_before_platform'
{%- endmacro %}
