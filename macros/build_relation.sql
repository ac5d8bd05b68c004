{# What the materializations here have in common: the hooks, and between them one
   statement, called for with the text that makes the relation. It stands in a
   transaction, even where a profile disables them, for it may drop what stood. #}
{% macro build_relation(target) -%}
    {%- set statements = caller -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- do adapter.ensure_transaction() -%}
    {%- call statement('main') -%}
        {{ statements() }}
    {%- endcall -%}
    {%- do persist_docs(target, model) -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
{%- endmacro %}
