{# A table that continues what stands: by `touched` (continue_table), or by `append`
   where the query gives only what is not there yet. One statement makes the fresh
   rows and puts them in. That their columns fit is known, for the same code made the
   table (prepare_increment); the adapter's own asks the database for them each time. #}
{% materialization incremental, adapter='duckdb' %}
    {%- set strategy = config.get('incremental_strategy') -%}
    {%- if strategy not in ['touched', 'append'] -%}
        {{ exceptions.raise_compiler_error(
            "the strategy " ~ strategy ~ " is not known here: choose touched or append"
        ) }}
    {%- endif -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set target = this.incorporate(type='table') -%}
    {% call build_relation(target) -%}
        {%- if not is_incremental() -%}
            {{ replace_relation(
                existing, create_table_as(False, target, compiled_code)
            ) }}
        {%- elif strategy == 'touched' -%}
            {{ continue_table(target, compiled_code) }}
        {%- else -%}
            insert into {{ target }} by name (
                {{ compiled_code }}
            );
        {%- endif -%}
    {%- endcall %}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}
