{#- Called as an on-run-end hook: once every incremental model has been built in
    one run, whatever changed has been answered, and is forgotten. After a run
    that failed or built a part it stays, for the next run to answer. -#}
{% macro finish_increment(results) %}
    {%- if execute and flags.WHICH in ('build', 'run') -%}
        {%- set built = [] -%}
        {%- for result in results if result.status == 'success' -%}
            {%- do built.append(result.node.unique_id) -%}
        {%- endfor -%}
        {%- set missing = [] -%}
        {%- set tracked = [] -%}
        {%- for node in graph.nodes.values()
            if node.resource_type == 'model'
            and node.config.materialized not in ('view', 'ephemeral') -%}
            {%- if node.unique_id not in built -%}
                {%- do missing.append(node.unique_id) -%}
            {%- endif -%}
            {%- if node.config.meta.get('changes') -%}
                {%- do tracked.append(node.name) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if not missing -%}
            {%- for name in tracked -%}
                {%- do run_query("truncate changes." ~ name) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
