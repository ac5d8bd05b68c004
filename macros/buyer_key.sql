{# The only form in which a buyer leaves the intermediate layer. The key is a
   connection variable, so that it stays out of compiled SQL, manifest and logs. #}
{% macro buyer_key(mall_id='mall_id', buyer_uid='buyer_uid') -%}
    left(
        sha256(
            getvariable('kefu_buyer_key')
            || chr(31) || {{ mall_id }}
            || chr(31) || {{ buyer_uid }}
        ),
        32
    )
{%- endmacro %}
