{% macro unreadable_columns(same_name, renamed={}) -%}
{%- set typed_names = dict(zip(same_name, same_name), **renamed) -%}
list_filter(
    [
        {%- for landed, typed in typed_names.items() %}
        case
            when
                {{ typed }} is null
                and not {{ is_unset_time(landed ~ '_text') }}
                then '{{ landed }}'
        end{{ ',' if not loop.last }}
        {%- endfor %}
    ],
    lambda name: name is not null
)
{%- endmacro %}
