{% macro refuse_weak_buyer_key() %}
    {#- The plugin judges the key: the key itself must reach no log. -#}
    {%- if execute and target.name == 'prod' -%}
        {%- set weakness = run_query(
            "select coalesce(getvariable('kefu_buyer_key_weakness'), 'no key')"
        ).columns[0].values()[0] -%}
        {%- if weakness != 'none' -%}
            {{ exceptions.raise_compiler_error(
                "the target prod refuses " ~ weakness ~ " for buyer_key: set"
                ~ " KEFU_BUYER_KEY to a secret of your own of 16 characters or more"
            ) }}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
