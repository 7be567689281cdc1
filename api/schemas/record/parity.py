"""Certificates of the parity of replays with what was said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field

from api.schemas.record.ledger import EpochMs
from api.schemas.responses import ResponseModel
from domain.values import epoch_ms
from services.ledger.parity.certificate import ParityCertificate


class ComparedField(ResponseModel):
    """One field of a day's entries."""

    field: str
    unit: Annotated[Literal["side", "share", "bps"], Field(description="Of both figures; bps of the price.")]
    tolerance: float
    compared: Annotated[int, Field(description="Entries in which it was compared.")]
    above: Annotated[int, Field(description="Of them, those above the tolerance, or with a figure on one side alone.")]
    largest: Annotated[float | None, Field(description="Greatest difference; null where nothing was compared.")]
    entry_id: Annotated[str | None, Field(description="Of the entry that is furthest away.")]
    recorded: float | str | None
    replayed: float | str | None


class SkippedEntries(ResponseModel):
    """Entries that could not be compared, and why."""

    reason: str
    entries: int


class CertificateAnswer(ResponseModel):
    """One day: how many of its answers were replayed, and how far the replays are from what was said."""

    day: date
    created_at: EpochMs
    entries: Annotated[int, Field(description="Scored entries of rules, model and blend: on request and of the loop.")]
    answers: Annotated[int, Field(description="Analyses in which they were said.")]
    replayed: Annotated[int, Field(description="Of the analyses, those that were drawn, evenly spread over the day.")]
    compared: int
    equal: Annotated[int, Field(description="Entries that are the same in every field.")]
    skipped: list[SkippedEntries]
    fields: list[ComparedField]
    above: Annotated[list[str], Field(description="Fields above their tolerance.")]

    @classmethod
    def of(cls, certificate: ParityCertificate) -> Self:
        """Return the answer for a certificate."""
        return cls(
            day=certificate.day,
            created_at=epoch_ms(certificate.created_at),
            entries=certificate.entries,
            answers=certificate.answers,
            replayed=certificate.replayed,
            compared=certificate.compared,
            equal=certificate.equal,
            skipped=[SkippedEntries(reason=reason, entries=count) for reason, count in certificate.skipped.items()],
            fields=[ComparedField(**vars(field)) for field in certificate.fields],
            above=[field.field for field in certificate.above],
        )


class ParityCertificates(ResponseModel):
    """Certificates, the newest day first."""

    certificates: list[CertificateAnswer]

    @classmethod
    def of(cls, certificates: Sequence[ParityCertificate]) -> Self:
        """Return the answer for certificates."""
        return cls(certificates=[CertificateAnswer.of(certificate) for certificate in certificates])
