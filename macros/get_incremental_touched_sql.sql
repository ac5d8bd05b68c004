{# The incremental strategy `touched`: what the model's query gives for the touched
   keys takes the place of their rows, and no other row is looked at. The
   model's meta tells how:
   touched_by: the model that lists the touched keys, changes.<model>, or
       landings (the rows of the landed files that are new, changed or gone).
       Without it the whole table is compared.
   touched_key: the columns of the key.
   changes: columns (with types) whose values in the rows that really came or went
       are kept in changes.<model>, for the models downstream.
   The touched rows are looked for by their keys alone, and then known by their place in
   the table. With changes they and the fresh ones are grouped by all columns: where there
   are as many of a row as before, it stays where it is. Without, nobody asks what they
   were: they go unread. #}
{% macro get_incremental_touched_sql(arg_dict) -%}
{%- set target = arg_dict['target_relation'] -%}
{%- set fresh = arg_dict['temp_relation'] -%}
{%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
{%- set meta = config.get('meta') -%}
{%- if meta.get('touched_by') == 'landings' -%}
{{ replace_landed_rows(target, fresh, columns, meta) }}
{%- else -%}
{%- set touched = target.identifier ~ '__touched' -%}
{%- set differing = target.identifier ~ '__differing' %}
create or replace temp table {{ touched }} as
{%- if meta.get('touched_by') %}
select stored.rowid as stored_at
from {{ touched_rows_of(
    target, touched_relation(meta['touched_by']), meta['touched_key']
) }};
{%- else %}
select rowid as stored_at
from {{ target }};
{%- endif %}
{%- if meta.get('changes') %}
create or replace temp table {{ differing }} as
select
    {{ columns }},
    min(stored_at) as stored_at,
    count(stored_at) as stored_rows,
    count(*) - count(stored_at) as fresh_rows
from (
    select {{ columns }}, rowid as stored_at
    from {{ target }}
    where rowid in (select stored_at from {{ touched }})
    union all
    select {{ columns }}, null as stored_at
    from {{ fresh }}
) as compared
group by {{ columns }}
having stored_rows != fresh_rows;
{%- set tracked = meta['changes'].keys() | join(', ') %}
insert into {{ changes_table(target) }} ({{ tracked }})
select distinct {{ tracked }} from {{ differing }};
-- Of rows that are equal in every column only one place is known.
delete from {{ target }} as stored
where
    stored.rowid in (select stored_at from {{ touched }})
    and exists(
        select 1 from {{ differing }} as differing
        where
            differing.stored_rows > 1
            {%- for column in arg_dict['dest_columns'] %}
            and stored.{{ column.quoted }} is not distinct from differing.{{ column.quoted }}
            {%- endfor %}
    );
delete from {{ target }}
where rowid in (select stored_at from {{ differing }} where stored_rows = 1);
insert into {{ target }} ({{ columns }})
select {{ columns }}
from {{ differing }}, range(fresh_rows);
drop table {{ differing }};
{%- else %}
delete from {{ target }}
where rowid in (select stored_at from {{ touched }});
insert into {{ target }} ({{ columns }}) select {{ columns }} from {{ fresh }};
{%- endif %}
drop table {{ touched }};
{%- endif %}
{%- endmacro %}
