{# A table in one statement and one transaction: what stood is dropped, and the new
   one made under its own name. The adapter's builds it under another name, renames
   both and drops the old one after: four calls more, which for a table of few rows
   are most of its time. A build that fails leaves what stood, as there. #}
{% materialization table, adapter='duckdb' %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set target = this.incorporate(type='table') -%}
    {% call build_relation(target) -%}
        {{ replace_relation(existing, create_table_as(False, target, compiled_code)) }}
    {%- endcall %}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}
