-- The first cause that applies, only likely. Equal: at most half the last digit off.
with

compared as (

    select * from {{ ref('int_official_compared') }}

),

judged as (

    select
        *,
        round(official_value - our_value, 10) as difference,
        case
            when abs(difference) <= shown_step / 2 + 1e-9 then 'equal'
            when account_status = 'older_export' then 'older_export'
            when account_status != 'matched' then 'roster'
            when not is_in_newest_export and not is_official_value_final
                then 'older_export'
            when
                not is_our_value_final
                or not is_official_value_final
                or incomplete_days > 0
                then 'late_data'
            when definition_differs is not null then 'definition'
            when off_shift_days > 0 then 'roster'
            when not is_in_newest_export then 'older_export'
            when rows_landed_later > 0 then 'late_data'
            else 'unexplained'
        end as likely_cause,
        case account_status
            when 'unknown' then 'no agent of the roster is called so'
            when 'off_roster'
                then 'the agent called so is not on the roster in this period'
            when 'ambiguous'
                then 'more than one agent or account answers to this name'
            when 'older_export'
                then 'a newer export has another account of this agent'
        end as account_told
    from compared

),

final as (

    select
        source,
        mall_id,
        period_start,
        period_end,
        row_type,
        cs_account,
        cs_uid,
        account_status,
        official_column,
        item_name,
        metric,
        unit,
        shown_step,
        official_value,
        our_value,
        difference,
        our_numerator,
        our_denominator,
        likely_cause,
        definition_differs,
        is_our_value_final,
        is_official_value_final,
        incomplete_days,
        rows_landed_later,
        off_shift_days,
        exported_at,
        is_in_newest_export,
        case when likely_cause = 'equal' then '' else concat_ws(
                    '; ',
                    account_told,
                    case
                        when not is_in_newest_export
                            then 'of an older export: the newest has no such row'
                    end,
                    case
                        when not is_our_value_final
                            then
                                'our figures end with ' || as_of_end
                                || ', later data can still change this one'
                    end,
                    case
                        when not is_official_value_final
                            then
                                'landed on ' || cast(exported_at as date)
                                || ', before the figure of the platform was final'
                    end,
                    case
                        when incomplete_days > 0
                            then
                                'rows of ' || replace(landed_from, ' ', ', ')
                                || ' low or missing on ' || incomplete_days
                                || ' source days'
                    end,
                    definition_differs,
                    case
                        when off_shift_days > 0
                            then
                                'written from this account on ' || off_shift_days
                                || ' days without a shift of its agent'
                    end,
                    case
                        when rows_landed_later > 0
                            then
                                rows_landed_later || ' rows of the period were landed'
                                || ' after the export'
                    end
                )
        end as evidence
    from judged

)

select * from final
