"""`verify_export`: an export's file against its manifest; needs no database and no secret."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from conversations.exports import manifest as manifests
from conversations.exports.verifying import Report, verify
from conversations.services.anchors import signing_key


class Command(BaseCommand):
    help = "Compare an export's file with its manifest; exit 0 only if all of it holds."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the export's file")
        parser.add_argument(
            "--manifest", type=Path, help="default: the file's name with .manifest.json"
        )
        parser.add_argument(
            "--public-key", metavar="HEX", help="of the signature; default: JOURNAL_SIGNING_KEY's"
        )

    def handle(
        self,
        *args: Any,
        file: Path,
        manifest: Path | None,
        public_key: str | None,
        **options: Any,
    ) -> None:
        beside = manifest or file.with_name(file.name + manifests.SUFFIX)
        key = _public_key(public_key)
        try:
            values = manifests.read(beside.read_text(encoding="utf-8"))
            report = verify(file, values, key)
        except OSError as error:
            words = f"Cannot read {error.filename}: {error.strerror}."
            raise CommandError(words, returncode=2) from None
        except (ValueError, KeyError, TypeError) as error:
            words = f"{beside} is no manifest of an export ({type(error).__name__})."
            raise CommandError(words, returncode=2) from None
        for line in summary(report):
            self.stdout.write(line)
        if not report.holds:
            raise CommandError("The export does not hold.", returncode=1)


def summary(report: Report) -> list[str]:
    """What is valid as ratios, then what is wrong, by kind."""
    parts = [f"{report.valid_blocks} of {report.blocks} blocks as written"]
    if report.rows is not None:
        parts.insert(0, f"{report.rows} of {report.rows_promised} rows")
    if report.chains is not None:
        parts.append(f"{report.valid_chains} of {report.chains} chains end at their heads")
    if report.is_signature_valid is not None:
        parts.append(f"{int(report.is_signature_valid)} of 1 signatures valid")
    lines = [", ".join(parts), *map(str, report.faults)]
    if report.is_signed and report.is_signature_valid is None:
        lines.append("signature not looked at: give --public-key, or set JOURNAL_SIGNING_KEY")
    return lines


def _public_key(given: str | None) -> Ed25519PublicKey | None:
    if given is None:
        return signing_key().public_key() if settings.JOURNAL_SIGNING_KEY else None
    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(given))
    except ValueError:
        raise CommandError("--public-key must be 64 hexadecimal digits.", returncode=2) from None
