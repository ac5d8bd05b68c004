{% macro refuse_demo_buyer_key() %}
    {#- The plugin compares the keys: the key itself must reach no log. -#}
    {%- if execute and target.name == 'prod' -%}
        {%- set is_demo = run_query(
            "select coalesce(getvariable('kefu_buyer_key_is_demo'), true)"
        ).columns[0].values()[0] -%}
        {%- if is_demo -%}
            {{ exceptions.raise_compiler_error(
                "the target prod refuses the demo's key for buyer_key: set"
                ~ " KEFU_BUYER_KEY to a secret of your own"
            ) }}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
