"""Which refits are kept: those that the evidence depends on or may depend on, and the newest of the others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from services.ledger.calibration.refits import Refit, RefitState, on_trial
from storage.document_ports import EVIDENCE_REFITS, DocumentStore

# Removed at once; the rest waits for the next time.
_AT_ONCE = 5_000


async def remove_refits(documents: DocumentStore, keep: int) -> int:
    """Remove refits that nothing depends on, except for the newest `keep`, and return the number of removed ones.

    All adopted ones are kept, of other evidence files too: the evidence in use follows from all in their order.
    Candidates are kept, and the renewed refits that are on trial with one.

    Raises:
        StorageUnavailable: the store is down.
    """
    found = [Refit.read(document) for document in await documents.newest(EVIDENCE_REFITS, _AT_ONCE)]
    needed = _needed(found)
    old = [refit.refit_id for refit in found if refit.refit_id not in needed][keep:]
    if old:
        await documents.discard(EVIDENCE_REFITS, old)
    return len(old)


def _needed(refits: Sequence[Refit]) -> set[str]:
    own: defaultdict[tuple[str, str], list[Refit]] = defaultdict(list)
    for refit in refits:
        own[refit.base, refit.timeframe].append(refit)
    needed = {refit.refit_id for refit in refits if refit.state is RefitState.ADOPTED}
    for alike in own.values():
        for candidate in (refit for refit in alike if refit.state is RefitState.CANDIDATE):
            needed |= {refit.refit_id for refit in on_trial(candidate, alike)}
    return needed
