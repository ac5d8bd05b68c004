"""The audit between build and publish, by Great Expectations.

`run_audit` is all that the rest of the package needs; the library behind it
takes seconds to import and is imported when an audit runs.
"""

from kefu.audit.report import AuditReport
from kefu.audit.run import check_names, examine, run_audit

__all__ = ["AuditReport", "check_names", "examine", "run_audit"]
