"""The builds with a safeguard taken out can still be made: their edits fit the code."""

from __future__ import annotations

import pytest

from tests.faults.mutations import MUTATIONS, Edit
from tests.processes import ROOT

EDITS = [
    pytest.param(edit, id=f"{mutation.name}: {edit.path}")
    for mutation in MUTATIONS
    for edit in mutation.edits
]


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_fits_its_file_once(edit: Edit):
    assert (ROOT / edit.path).read_text(encoding="utf-8").count(edit.old) == 1
