-- What: no published table has a column that names a buyer or holds the text
-- of a message, and every buyer_key is a keyed hash: 32 hexadecimal digits.
-- When it matters: personal data leaves the warehouse.
-- How to resolve: take the column out of the mart, or publish
-- buyer_key(mall_id, buyer_uid) in its place. Do not extend the list of
-- allowed names to make this pass.
with

{% set marts = published_marts() %}

-- Known by name: whatever is called after a buyer other than his key and
-- counts of him, and whatever raw column holds free text.
personal_columns as (

    select
        table_name,
        column_name,
        cast(null as varchar) as buyer_key
    from information_schema.columns
    where
        table_schema = '{{ marts[0].schema }}'
        and (
            column_name in (
                'buyer_uid', 'uid', 'buyer', 'buyer_name', 'content', 'text',
                'buyer_text', 'message', 'message_text', 'template_name',
                'after_sale_reason', '_source_file'
            )
            or (column_name like '%text%' and data_type = 'VARCHAR')
            or (
                column_name like '%buyer%'
                and data_type = 'VARCHAR'
                and column_name != 'buyer_key'
            )
        )

),

odd_keys as (

    {% for table in [
        'fct_buyer_messages', 'fct_consultations', 'fct_orders', 'fct_refunds',
        'fct_help_requests',
    ] %}
        select
            '{{ table }}' as table_name,
            'buyer_key' as column_name,
            buyer_key
        from {{ ref(table) }}
        where not regexp_full_match(buyer_key, '[0-9a-f]{32}')
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

)

select * from personal_columns
union all
select * from odd_keys
