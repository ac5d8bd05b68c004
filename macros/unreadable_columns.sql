{% macro unreadable_columns(columns) -%}
list_filter(
    [
        {%- for landed, typed in columns.items() %}
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
