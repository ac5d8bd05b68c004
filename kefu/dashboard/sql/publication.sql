select
    run_id,
    sequence,
    published_at,
    started_at,
    is_tested,
    is_audited,
    is_restricted,
    as_of_end,
    newest_loaded_at,
    files_read,
    kefu_version,
    manifest
from published.meta.publication
