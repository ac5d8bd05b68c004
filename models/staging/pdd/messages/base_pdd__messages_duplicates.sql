with

versions as (

    select * from {{ ref('base_pdd__messages') }}

),

final as (

    {{ rank_versions(
        'versions',
        key=['mall_id', 'msg_id'],
        newest_by=['loaded_at'],
        text_form=[
            'mall_id', 'msg_id', 'buyer_uid', 'from_role', 'cs_uid',
            'assigned_cs_uid', 'message_type', 'template_name', 'content',
            time_text('sent_at'), 'need_reply', 'is_spam', 'order_sn',
            'problem_code',
        ],
    ) }}

)

select * from final
