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
{% macro continue_table(target, compiled_code) -%}
{%- set meta = config.get('meta') -%}
{%- set fresh = target.identifier ~ '__fresh' -%}
{%- set touched = target.identifier ~ '__touched' -%}
{%- set differing = target.identifier ~ '__differing' -%}
create or replace temp table {{ fresh }} as (
{{ compiled_code }}
);
create or replace temp table {{ touched }} as
{%- if meta.get('touched_by') == 'landings' %}
select rowid as stored_at
from {{ target }}
where landing_id in (
    select landing_id from raw.touched_landings where source = '{{ meta['landing'] }}'
);
{%- elif meta.get('touched_by') %}
select stored.rowid as stored_at
from {{ touched_rows_of(
    target, touched_relation(meta['touched_by']), meta['touched_key']
) }};
{%- else %}
select rowid as stored_at
from {{ target }};
{%- endif %}
{%- if meta.get('touched_by') == 'landings' %}
{{ replace_landed_rows(target, fresh, touched, meta) }}
{%- elif meta.get('changes') %}
{%- set tracked = meta['changes'].keys() | join(', ') %}
create or replace temp table {{ differing }} as
select
    * exclude (stored_at),
    list(stored_at) filter (where stored_at is not null) as stored_at,
    count(*) - count(stored_at) as fresh_rows
from (
    select *, rowid as stored_at
    from {{ target }}
    where rowid in (select stored_at from {{ touched }})
    union all by name
    select *, null as stored_at
    from {{ fresh }}
) as compared
group by all
having count(stored_at) != count(*) - count(stored_at);
insert into {{ changes_table(target) }} ({{ tracked }})
select distinct {{ tracked }} from {{ differing }};
delete from {{ target }}
where rowid in (select unnest(stored_at) from {{ differing }});
insert into {{ target }} by name
select differing.* exclude (stored_at, fresh_rows)
from {{ differing }} as differing, range(fresh_rows);
drop table {{ differing }};
{%- else %}
delete from {{ target }}
where rowid in (select stored_at from {{ touched }});
insert into {{ target }} by name from {{ fresh }};
{%- endif %}
drop table {{ fresh }};
drop table {{ touched }};
{%- endmacro %}
