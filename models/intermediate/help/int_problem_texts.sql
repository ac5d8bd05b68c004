-- Which problem a text names; each distinct text is matched once. A pattern that
-- comes from a column is compiled again for every row, a constant only once, and
-- a connection variable is a constant to the engine. So the patterns are joined
-- by priority into chunks, the hook hands the chunks over as constants, the first
-- chunk that matches is found, and only its few patterns are tried one by one.
-- Without the variable (unit tests) every pattern is tried. The hook before it
-- tries each pattern by itself: a bad one stops the run and is named.
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        pre_hook=[
            "
            select count(*)
            from {{ ref('problem_keywords') }}
            where regexp_matches('', pattern)
            ",
            "
            set variable problem_chunks = (
                select list(chunk_pattern order by chunk)
                from (
                    select
                        chunk,
                        string_agg('(?:' || pattern || ')', '|')
                            as chunk_pattern
                    from (
                        select pattern, ntile(64) over (order by priority) as chunk
                        from {{ ref('problem_keywords') }}
                    ) as keywords
                    group by chunk
                ) as chunks
            )
            "
        ]
    )
}}

with

messages as (

    select buyer_text
    from {{ only_touched(
        ref('int_messages_classified'), by='int_touched_buyers',
        key=['mall_id', 'buyer_uid']
    ) }}
    where
        sender = 'buyer'
        and problem_code is null
        and buyer_text is not null
        and {{ is_not_stored('buyer_text') }}

),

problem_keywords as (

    select
        *,
        ntile(64) over (order by priority) as chunk
    from {{ ref('problem_keywords') }}

),

texts as (

    select buyer_text
    from messages
    group by buyer_text

),

placed as (

    select
        buyer_text,
        {{ first_matching('buyer_text', 'problem_chunks', 64) }} as chunk
    from texts

),

candidates as (

    select
        placed.buyer_text,
        problem_keywords.priority,
        problem_keywords.pattern,
        problem_keywords.problem_code
    from placed
    inner join problem_keywords
        on placed.chunk = problem_keywords.chunk

    union all

    select
        placed.buyer_text,
        problem_keywords.priority,
        problem_keywords.pattern,
        problem_keywords.problem_code
    from placed
    cross join problem_keywords
    where getvariable('problem_chunks') is null

),

final as (

    select
        buyer_text,
        arg_min(problem_code, priority) as problem_code
    from candidates
    where regexp_matches(buyer_text, pattern)
    group by buyer_text

)

select * from final
