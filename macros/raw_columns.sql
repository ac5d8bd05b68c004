{# The columns of a raw table in the contract's order, each with the type in which
   a file may give it without its text, or none. They are stated with the source; a
   unit test is not told of sources, and asks the view that builds read. #}
{% macro raw_columns(table) -%}
{%- set found = {} -%}
{%- if execute and model.resource_type != 'unit_test' -%}
    {%- for source in graph.sources.values()
        if source.source_name == 'pdd' and source.name == table -%}
        {%- for column in source.columns.values() -%}
            {%- do found.update({column.name: column.meta.get('native')}) -%}
        {%- endfor -%}
    {%- endfor -%}
{%- elif execute -%}
    {%- set types = {} -%}
    {%- set view = api.Relation.create(
        database=target.database, schema='raw', identifier=table ~ '_native'
    ) -%}
    {%- for column in adapter.get_columns_in_relation(view) -%}
        {%- do types.update({column.name: column.data_type | lower}) -%}
    {%- endfor -%}
    {%- for column in types
        if column != 'landing_id' and not column.endswith('_native') -%}
        {%- do found.update({column: types.get(column ~ '_native')}) -%}
    {%- endfor -%}
{%- endif -%}
{{ return(found) }}
{%- endmacro %}
