{# In a full build, the order by which rows of a day lie together in a table, and in
   those that are made of it: what an increment or an analyst asks of days is then read
   without the rest. An increment's rows lie together as they come. #}
{% macro lay_by_day(day) -%}
{%- if model.resource_type != 'unit_test' and not is_incremental() -%}
order by {{ day }}
{%- endif -%}
{%- endmacro %}
