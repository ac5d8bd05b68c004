{# A view in one statement and one transaction, as materialization_table_duckdb. #}
{% materialization view, adapter='duckdb' %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set target = this.incorporate(type='view') -%}
    {% call build_relation(target) -%}
        {{ replace_relation(existing, get_create_view_as_sql(target, compiled_code)) }}
    {%- endcall %}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}
