{# The rows of the landed files that are new, changed or gone, in the strategy
   `touched`: what stands of them goes, what is read of them comes. #}
{% macro replace_landed_rows(target, fresh, touched, meta) -%}
{%- set tracked = meta['changes'].keys() | join(', ') -%}
insert into {{ changes_table(target) }} ({{ tracked }})
select distinct {{ tracked }}
from (
    select {{ tracked }}
    from {{ target }}
    where rowid in (select stored_at from {{ touched }})
    union all
    select {{ tracked }} from {{ fresh }}
) as changed;
set variable kefu_increment_of_{{ meta['landing'] }} = true;
delete from {{ target }}
where rowid in (select stored_at from {{ touched }});
insert into {{ target }} by name from {{ fresh }};
{%- endmacro %}
