{# A relation, in an incremental build without the rows whose keys the build does
   not recompute. by: the model that lists the touched keys, changes.<model>, or
   cte.<name>, a CTE of the model. key: the columns by which both are matched; a
   mapping where the relation has them under other names. listed: keeps to the keys
   that are listed with these values.
   Unit tests and full builds see the relation itself.
   Unless the rows lie by the day, the keys alone are read from end to end, and the other
   columns where touched rows lie: a list of their places, of which the engine cannot
   think that it is longer than the table. Days lie close together, and the engine
   passes over what is outside of them. A view that has a macro select_<view> is put
   together from such rows, for the engine would read all that is below it. #}
{% macro only_touched(relation, by, key, listed={}) -%}
{%- if model.resource_type == 'unit_test' -%}
{{ relation }}
{%- else -%}
{%- set touched = touched_relation(by) -%}
{%- if is_incremental() -%}
{%- set is_cte = relation is string -%}
{%- set is_by_place = not is_cte and not lies_by_day(key) -%}
{%- set stored = load_cached_relation(relation) if is_by_place else none -%}
{%- set select_view = none if is_cte else context.get('select_' ~ relation.name) -%}
{%- set matching = touched_rows_of(relation, touched, key, listed) -%}
(
    {%- if stored is not none and stored.is_table %}
    select *
    from {{ relation }}
    where rowid in (
        select unnest(list(stored.rowid))
        from {{ matching }}
    )
    {%- elif select_view %}
    {{ select_view(touched={'by': by, 'key': key, 'listed': listed}) }}
    {%- else %}
    select stored.*
    from {{ matching }}
    {%- endif %}
)
{%- else -%}
{{ relation }}
{%- endif -%}
{%- endif -%}
{%- endmacro %}
