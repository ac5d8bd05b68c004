{% macro unreadable_columns(table, same_name, renamed={}) -%}
{%- set typed_names = dict(zip(same_name, same_name), **renamed) -%}
{%- set native = raw_columns(table) -%}
list_filter(
    [
        {%- for landed, typed in typed_names.items() %}
        case
            when
                {{ typed }} is null
                {%- if native.get(landed) %}
                and (
                    {{ landed }}_native is not null
                    or not {{ is_unset_time(landed ~ '_text') }}
                )
                {%- else %}
                and not {{ is_unset_time(landed ~ '_text') }}
                {%- endif %}
                then '{{ landed }}'
        end{{ ',' if not loop.last }}
        {%- endfor %}
    ],
    lambda name: name is not null
)
{%- endmacro %}
