{# The rows of the landed files that are new, changed or gone, in the strategy
   `touched`: what stands of them goes, what is read of them comes. #}
{% macro replace_landed_rows(target, fresh, columns, meta) -%}
{%- set tracked = meta['changes'].keys() | join(', ') -%}
create or replace temp table {{ target.identifier }}__touched as
select rowid as stored_at
from {{ target }}
where landing_id in (
    select landing_id from raw.touched_landings where source = '{{ meta['landing'] }}'
);
insert into {{ changes_table(target) }} ({{ tracked }})
select distinct {{ tracked }}
from (
    select {{ tracked }}
    from {{ target }}
    where rowid in (select stored_at from {{ target.identifier }}__touched)
    union all
    select {{ tracked }} from {{ fresh }}
) as changed;
set variable kefu_increment_of_{{ meta['landing'] }} = true;
delete from {{ target }}
where rowid in (select stored_at from {{ target.identifier }}__touched);
drop table {{ target.identifier }}__touched;
insert into {{ target }} ({{ columns }}) select {{ columns }} from {{ fresh }};
{%- endmacro %}
