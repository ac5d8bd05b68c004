{# The rows of a model that came or went, and the stored rows of the same keys:
   what goes may let another version take its place, what comes may take that of
   one that lies elsewhere. Rejected rows take no place; those without a key would
   be of one key, all of them. columns: those that are read. key: the column by which
   rows are the same. keys: the relation that lists the changed ones, where they
   are not those of the model's own changes. #}
{% macro rows_of_changed_keys(model_name, columns, key='key_hash', keys=none) -%}
(
    select {{ columns | join(', ') }}
    from {{ changes_of(model_name) }}
    union all
    select {{ columns | join(', ') }}
    from {{ ref(model_name) }} as stored
    semi join {{ keys or changes_of(model_name) }} as changed
        on stored.{{ key }} = changed.{{ key }}
    {%- if key == 'key_hash' %}
    where stored.reject_reason is null
    {%- endif %}
)
{%- endmacro %}
