{#- Called as an on-run-start hook. Whoever starts without a note starts from
    nothing. What is compared is a check value: the key must reach no log. -#}
{% macro check_buyer_key() %}
    {%- if execute and flags.WHICH in ('build', 'run') -%}
        {%- do run_query("create schema if not exists meta") -%}
        {%- do run_query(
            "create table if not exists meta.buyer_key (check_value varchar)"
        ) -%}
        {%- do run_query(
            "insert into meta.buyer_key"
            ~ " select getvariable('kefu_buyer_key_check')"
            ~ " where not exists (from meta.buyer_key)"
        ) -%}
        {%- set is_same = run_query(
            "select bool_and(check_value = getvariable('kefu_buyer_key_check'))"
            ~ " from meta.buyer_key"
        ).columns[0].values()[0] -%}
        {%- if not is_same and flags.FULL_REFRESH -%}
            {#- Until all is built, the tables belong to neither key. -#}
            {%- do run_query("update meta.buyer_key set check_value = 'rebuilding'") -%}
        {%- elif not is_same -%}
            {{ exceptions.raise_compiler_error(
                "the database was built with another KEFU_BUYER_KEY, or its"
                ~ " rebuilding was not finished: add --full-refresh, or set the"
                ~ " former key"
            ) }}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
