-- Only keys that occur twice are looked at: which of their rows do not count.
create or replace temp table repeated_messages as
select
    key_hash,
    max(loaded_at) as newest
from message_rows
group by key_hash
having count(*) > 1;

create or replace temp table message_candidates as
select
    message_rows.*,
    message_rows.rowid as row_number,
    message_rows.loaded_at = repeated_messages.newest as is_newest,
    hash(
        buyer_uid, kind, cs, assigned, sent_at, asks, order_sn, problem_code,
        text_hash
    ) as meaning
from message_rows
inner join repeated_messages using (key_hash);

-- Two keys of one hash, or two conversations, would be a wrong figure: stop.
select error('two message keys share a hash')
from message_candidates
group by key_hash
having count(distinct (mall, msg_id)) > 1;

-- Rows that tie and mean the same are one row. Of those that differ the contract
-- takes the one whose text form sorts last: these few are read again, whole.
create or replace temp table contested_messages as
select key_hash
from message_candidates
where is_newest
group by key_hash
having count(distinct meaning) > 1;
