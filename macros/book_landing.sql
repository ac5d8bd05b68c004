{# A post-hook of a base model: in the transaction that stored a table's rows, its
   part of the ledger becomes what the run has read. The landed rows are counted
   from the source itself, so that a row which typing lost or doubled unbalances
   the books instead of vanishing from both of their sides. The variable is set
   by the incremental strategy; the one view that it names is looked up, so that an
   increment does not open every file of the history. A row whose folder has a date
   is counted without a look into its file. #}
{% macro book_landing(table) -%}
{%- set is_increment = "getvariable('kefu_increment_of_" ~ table ~ "')" -%}
{%- set unbooked -%}
query_table(
    case
        when {{ is_increment }} is null then 'raw.{{ table }}_native'
        else 'raw.{{ table }}_unread'
    end
)
{%- endset -%}
{{ refuse_future_loads(table) }}
delete from ledger.landings where source = '{{ table }}';
insert into ledger.landings
select source, landing_id, landing, size_bytes, changed_ns, digest
from raw.landings
where source = '{{ table }}';
delete from ledger.landed_rows
where
    source = '{{ table }}'
    and (
        {{ is_increment }} is null
        or landing_id in (
            select landing_id from raw.touched_landings where source = '{{ table }}'
        )
    );
insert into ledger.landed_rows
select
    '{{ table }}' as source,
    landing_id,
    load_date,
    count(*) as rows
from (
    select
        landing_id,
        load_date
    from {{ unbooked }}
    where load_date is not null
    union all
    select
        landing_id,
        {{ booked_date('load_date', parse_loaded_at('_loaded_at')) }} as load_date
    from (
        select
            *,
            {{ read_times(['_loaded_at']) }}
        from (
            select
                landing_id,
                load_date,
                _loaded_at_native,
                {{ trimmed_text('_loaded_at') }} as _loaded_at_text
            from {{ unbooked }}
            where load_date is null
        )
    )
)
group by all
{%- endmacro %}
