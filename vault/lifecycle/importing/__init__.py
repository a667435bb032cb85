"""Taking in a certificate that was made elsewhere, together with its private key.

`survey` says what an upload holds and what can be imported; `keep_draft` and `open_draft` hold it, sealed, while a
person looks; `propose` and `consequence` say what policy the certificate would have; `import_candidate` and
`import_all` store it.
"""

from vault.lifecycle.importing.bulk import import_all
from vault.lifecycle.importing.candidates import Candidate, Leftover, Outcome, Result, Row, Survey
from vault.lifecycle.importing.drafts import held_files, hold_files, keep_draft, open_draft, results_of
from vault.lifecycle.importing.elsewhere import Match, find_elsewhere
from vault.lifecycle.importing.proposing import (
    Consequence,
    Difference,
    Origin,
    Proposal,
    consequence,
    propose,
)
from vault.lifecycle.importing.storing import ImportOrder, import_candidate
from vault.lifecycle.importing.surveying import survey

__all__ = [
    "Candidate",
    "Consequence",
    "Difference",
    "ImportOrder",
    "Leftover",
    "Match",
    "Origin",
    "Outcome",
    "Proposal",
    "Result",
    "Row",
    "Survey",
    "consequence",
    "find_elsewhere",
    "held_files",
    "hold_files",
    "import_all",
    "import_candidate",
    "keep_draft",
    "open_draft",
    "propose",
    "results_of",
    "survey",
]
