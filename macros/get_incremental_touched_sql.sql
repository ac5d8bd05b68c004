{# The incremental strategy `touched`: the rows of the touched keys are replaced by
   what the model's query gives for them, and no other row is looked at. The
   model's meta tells how:
   touched_by: the model that lists the touched keys, changes.<model>, or
       landings (the rows of the landed files that are new, changed or gone).
       Without it the whole table is replaced.
   touched_key: the columns of the key.
   changes: columns (with types) whose values in the rows that really came or went
       are kept in changes.<model>, for the models downstream.
   The touched rows are looked for once, by their keys alone; what is read and
   deleted of them after that is found by its place in the table. #}
{% macro get_incremental_touched_sql(arg_dict) -%}
{%- set target = arg_dict['target_relation'] -%}
{%- set fresh = arg_dict['temp_relation'] -%}
{%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
{%- set meta = config.get('meta') -%}
{%- set is_landed = meta.get('touched_by') == 'landings' -%}
{%- set condition = 'true' -%}
{%- if is_landed -%}
{%- set condition -%}
stored.landing_id in (
    select landing_id from raw.touched_landings where source = '{{ meta['landing'] }}'
)
{%- endset -%}
{%- elif meta.get('touched_by') -%}
{%- set condition -%}
exists(
    select 1 from {{ touched_relation(meta['touched_by']) }} as touched
    where {{ keys_match('stored', 'touched', meta['touched_key']) }}
)
{%- endset -%}
{%- endif -%}
{%- set touched = target.identifier ~ '__touched' -%}
{%- if meta.get('touched_by') %}
create or replace temp table {{ touched }} as
select rowid as row_number
from {{ target }} as stored
where {{ condition }};
{%- set condition = 'stored.rowid in (select row_number from ' ~ touched ~ ')' -%}
{%- endif %}
{%- if meta.get('changes') %}
{%- set tracked = meta['changes'].keys() | join(', ') -%}
create or replace temp table {{ target.identifier }}__stored as
select {{ tracked if is_landed else columns }}
from {{ target }} as stored
where {{ condition }};
insert into {{ changes_table(target) }} ({{ tracked }})
select distinct {{ tracked }}
from (
{%- if is_landed %}
    select {{ tracked }} from {{ target.identifier }}__stored
    union all
    select {{ tracked }} from {{ fresh }}
{%- else %}
    (
        select {{ columns }} from {{ target.identifier }}__stored
        except all
        select {{ columns }} from {{ fresh }}
    )
    union all
    (
        select {{ columns }} from {{ fresh }}
        except all
        select {{ columns }} from {{ target.identifier }}__stored
    )
{%- endif %}
) as changed;
drop table {{ target.identifier }}__stored;
{%- endif %}
{%- if is_landed %}
set variable kefu_increment_of_{{ meta['landing'] }} = true;
{%- endif %}
delete from {{ target }} as stored where {{ condition }};
{%- if meta.get('touched_by') %}
drop table {{ touched }};
{%- endif %}
insert into {{ target }} ({{ columns }}) select {{ columns }} from {{ fresh }};
{%- endmacro %}
