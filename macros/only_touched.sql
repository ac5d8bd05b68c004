{# A relation, in an incremental build without the rows whose keys the build does
   not recompute. by: the model that lists the touched keys, or changes.<model>.
   key: the columns by which both are matched; a mapping where the relation has
   them under other names. source: keeps to the keys listed for one source.
   Unit tests and full builds see the relation itself. #}
{% macro only_touched(relation, by, key, source=none) -%}
{%- if model.resource_type == 'unit_test' -%}
{{ relation }}
{%- else -%}
{%- set touched = touched_relation(by) -%}
{%- if is_incremental() -%}
(
    select stored.*
    from {{ relation }} as stored
    semi join {{ touched }} as touched
        on
            {{ keys_match('stored', 'touched', key) }}
            {%- if source %}
            and touched.source = '{{ source }}'
            {%- endif %}
)
{%- else -%}
{{ relation }}
{%- endif -%}
{%- endif -%}
{%- endmacro %}
