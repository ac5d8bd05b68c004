{# One line for whoever waits: is the last build continued or not, why, and what is
   there to read. Landings that are gone are not among raw.landings. #}
{% macro told_increment(growing, anew, is_of_other_rules) -%}
{%- set landings, touched, is_of_other_key = run_query(
    "select"
    ~ " (select count(*) from (select source, landing_id from raw.landings"
    ~ " union select source, landing_id from raw.touched_landings)),"
    ~ " (select count(*) from raw.touched_landings),"
    ~ " (select bool_or(check_value = 'rebuilding') from meta.buyer_key)"
).rows[0].values() -%}
{%- if anew == 0 -%}
continuing the last build: {{ touched }} of {{ landings }} landings to read or take out
{%- else -%}
building anew {{ anew }} of {{ growing }} growing tables from all {{ landings }} landings
{%- if is_of_other_key %}: KEFU_BUYER_KEY changed
{%- elif flags.FULL_REFRESH %}: a full build was asked for
{%- elif is_of_other_rules %}: code, seeds, vars or the engine changed
{%- endif %}
{%- endif -%}
{%- endmacro %}
