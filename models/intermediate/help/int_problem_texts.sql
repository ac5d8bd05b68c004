-- Which problem a text names; each distinct text is matched once. A pattern that
-- comes from a column is compiled again for every row, a constant only once, and
-- a connection variable is a constant to the engine. So the hook hands the patterns
-- over in slots, in the order of priority: one a slot, or several joined if the
-- seed has more than 256. Only in a slot of several are they tried one by one.
-- Without the variable (unit tests) every pattern is tried. The hook before it
-- tries each pattern by itself: a bad one stops the run and is named.
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        pre_hook=[
            "
            select count(*) from {{ ref('problem_keywords') }}
            where regexp_matches('', pattern)
            ",
            "
            set variable problem_slots = (
                select list(slot_pattern order by slot)
                from (
                    select
                        slot,
                        string_agg('(?:' || pattern || ')', '|') as slot_pattern
                    from (
                        select pattern, ntile(256) over (order by priority) as slot
                        from {{ ref('problem_keywords') }}
                    ) as keywords
                    group by slot
                ) as slots
            )
            ",
            "
            set variable problem_chunks = list_transform(
                range(0, 16),
                lambda chunk: nullif(array_to_string(
                    getvariable('problem_slots')[chunk * 16 + 1:chunk * 16 + 16], '|'
                ), '')
            )
            "
        ]
    )
}}

with

messages as (

    select buyer_text
    from {{ only_touched(
        ref('int_messages_classified'), by='changes.base_pdd__messages',
        key=['key_hash']
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
        ntile(256) over (order by priority) as slot
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
        {{ first_matching('buyer_text', 'problem_slots', 'problem_chunks') }} as slot
    from texts

),

candidates as (

    select
        placed.buyer_text,
        problem_keywords.priority,
        problem_keywords.problem_code,
        case
            when
                getvariable('problem_slots') is null
                or getvariable('problem_slots')[placed.slot]
                != '(?:' || problem_keywords.pattern || ')'
                then regexp_matches(placed.buyer_text, problem_keywords.pattern)
            else true
        end as is_match
    from placed
    inner join problem_keywords
        on
            getvariable('problem_slots') is null
            or placed.slot = problem_keywords.slot

),

final as (

    select
        buyer_text,
        arg_min(problem_code, priority) as problem_code
    from candidates
    where is_match
    group by buyer_text

)

select * from final
