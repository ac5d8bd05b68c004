-- Which problem a text names. Each distinct text is matched once: first against
-- one pattern that joins all others (a connection variable is a constant to the
-- engine, so it is compiled once; where it is unset the step passes all texts),
-- then, if it can match at all, against each pattern by itself.
{{
    config(
        pre_hook="
            set variable problem_keyword_patterns = (
                select string_agg('(?:' || pattern || ')', '|')
                from {{ ref('problem_keywords') }}
            )
        "
    )
}}

with

messages as (

    select buyer_text
    from {{ ref('int_messages_classified') }}
    where
        sender = 'buyer'
        and problem_code is null
        and buyer_text is not null

),

problem_keywords as (

    select * from {{ ref('problem_keywords') }}

),

candidate_texts as (

    select buyer_text
    from messages
    where coalesce(
            regexp_matches(buyer_text, getvariable('problem_keyword_patterns')),
            true
        )
    group by buyer_text

),

final as (

    select
        candidate_texts.buyer_text,
        arg_min(problem_keywords.problem_code, problem_keywords.priority)
            as problem_code
    from candidate_texts
    inner join problem_keywords
        on regexp_matches(candidate_texts.buyer_text, problem_keywords.pattern)
    group by candidate_texts.buyer_text

)

select * from final
