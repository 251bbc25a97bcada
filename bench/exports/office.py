"""Opens a CSV of hostile texts with LibreOffice and counts what it took for a formula."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

from conversations.exports import spreadsheet
from tests.hostile import TEXTS

_WITHIN_S = 180.0


def formula_cells(office: str) -> int:
    """As a flat OpenDocument sheet each formula has an attribute of its own."""
    with tempfile.TemporaryDirectory(prefix="parley-office-") as place:
        folder = Path(place)
        rows = [{"number": number, "text": text} for number, text in enumerate(TEXTS)]
        written = spreadsheet.header(("number", "text"))
        written += spreadsheet.lines(rows, ("number", "text"))
        (folder / "hostile.csv").write_bytes(written)
        command = [
            office, f"-env:UserInstallation=file://{folder}/profile", "--headless",
            "--convert-to", "fods", "--outdir", place, str(folder / "hostile.csv"),
        ]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True, timeout=_WITHIN_S)  # noqa: S603
        sheet = (folder / "hostile.fods").read_text(encoding="utf-8")
    return len(re.findall(r"table:formula=", sheet))
