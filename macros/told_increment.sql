{# One line for whoever waits: how much there is to read, and why all of it. #}
{% macro told_increment(growing, anew, is_of_other_rules) -%}
{%- set landings, touched = run_query(
    "select (select count(*) from raw.landings),"
    ~ " (select count(*) from raw.touched_landings)"
).rows[0].values() -%}
{%- if anew == 0 -%}
continuing the last build: {{ touched }} of {{ landings }} landings are new, changed or gone
{%- elif anew < growing -%}
{{ anew }} of {{ growing }} growing tables are built anew, from all {{ landings }} landings
{%- else -%}
building all {{ growing }} growing tables anew from all {{ landings }} landings
{%- if flags.FULL_REFRESH %}, as asked
{%- elif is_of_other_rules %}: code, seeds, vars or the engine changed
{%- endif %}
{%- endif -%}
{%- endmacro %}
