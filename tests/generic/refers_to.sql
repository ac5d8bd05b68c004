{% test refers_to(model, columns, to, to_columns) %}

{%- set key = columns | join(', ') %}

-- Rows with a null in the key refer to nothing and pass.
with

referring as (

    select
        {{ key }},
        count(*) as occurrences
    from {{ model }}
    where
        {%- for column in columns %}
        {{ 'and ' if not loop.first }}{{ column }} is not null
        {%- endfor %}
    group by {{ key }}

),

referred as (

    select {{ to_columns | join(', ') }}
    from {{ to }}

)

select referring.*
from referring
anti join referred
    on
        {%- for column in columns %}
        {{ 'and ' if not loop.first }}referring.{{ column }}
        = referred.{{ to_columns[loop.index0] }}
        {%- endfor %}

{% endtest %}
