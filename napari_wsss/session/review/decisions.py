"""A person's decisions: accept, skip, flag, exclude, undo; copying the proposal.

Accepting means: a mask that a person has touched (painted, copied, or a draft or accepted mask from before) is accepted
as it is; what was painted and then undone counts as untouched. When the mask was never touched, the proposal on the
screen is accepted. An untouched image without proposal is not accepted, because that would silently say "nothing here",
unless just this is its label. Where mask and labels differ (see `mismatch`), and where strokes on an empty mask leave
most of the proposal out, a mask is accepted at the second asking: the person may have meant something else.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.masks import changed_fraction, overlap
from napari_wsss.core.sources import Source
from napari_wsss.project.sourced_masks import SourcedMask
from napari_wsss.project.states import State
from napari_wsss.session.review.mismatch import Mismatch, MismatchCheck
from napari_wsss.session.review.origins import proposal_source
from napari_wsss.session.signals import Signals, reported
from napari_wsss.session.table.navigation import Navigation
from napari_wsss.session.table.opened import Opened
from napari_wsss.session.table.table import Table

NO_PROPOSAL = "Paint a mask, wait for the proposal, or say that nothing is here."
LITTLE = 0.5
"""Share of the proposed object pixels below which accepting painted strokes is asked about once."""


class Decisions:
    """Decisions about the shown image.

    Parameters
    ----------
    opened : Opened
    navigation : Navigation
        Goes on to the next image.
    signals : Signals
    check : MismatchCheck
    waited_for : callable
        Says what a proposal waits for, "" when for nothing.
    """

    def __init__(
        self,
        opened: Opened,
        navigation: Navigation,
        signals: Signals,
        check: MismatchCheck,
        waited_for: Callable[[], str] = str,
    ) -> None:
        self._opened, self._navigation, self.signals, self._check = opened, navigation, signals, check
        self._waited_for = waited_for

    @reported
    def accept(self, and_next: bool = True) -> bool:
        """Accept the touched mask, else the proposal; then show the next undecided image (see the module's rule)."""
        table = self._opened.table
        image_id, canvas = table.shown_id(), table.canvas
        table.attention.seen()
        table.record_last()
        values, shown = canvas.mask_to_accept(), table.shown
        if values is None:
            if not shown.record.negative:
                self.signals.notice.emit(f"Nothing to accept yet. {self._waited_for() or NO_PROPOSAL}")
                return False
            values = canvas.mask
        mismatch = Mismatch.of(shown.record, shown.classes, values)
        questions = self._about_proposal(table)
        if self._check.asks(mismatch):  # once, where mask and labels differ
            questions.append(f"{mismatch.text}. Accept again to accept it as it is.")
        if questions:
            self.signals.notice.emit(f"Not accepted yet: {' '.join(questions)}")
            return False
        copied = not canvas.touched and bool(np.any(values != canvas.mask))
        origin = None if canvas.machine.proposal is None else self.proposal_source()
        source = None if canvas.touched else origin
        drawn = table.drawn if source is None else table.planned(values, source)
        table.project.review.accept(image_id, drawn.values, _facts(table, drawn, origin, mismatch), drawn.sources)
        table.attention.forget(image_id)
        table.take_accepted(np.array(values), source)
        if copied and not and_next:
            self.signals.mask_replaced.emit(image_id)
        return self._decided(table, image_id, and_next)

    def accepting_means(self) -> str:
        """Return what `accept` would do now, for a person who hesitates; nothing is changed or remembered."""
        table = self._opened.or_none
        if table is None or not table.image_id:
            return "Nothing to accept: no image is shown."
        canvas, record = table.canvas, table.record
        values = canvas.mask_to_accept()
        if values is None and not record.negative:
            return f"Nothing to accept yet. {self._waited_for() or NO_PROPOSAL}"
        if values is None:
            return "Accepts that nothing of any class is here."
        what = "your mask" if canvas.touched else "the proposal as it is"
        asks = []
        if canvas.touched and canvas.proposal_ignored and (share := canvas.share_of_proposal()) < LITTLE:
            asks.append(f"your mask holds {share:.0%} of what is proposed")
        mismatch = Mismatch.of(record, table.shown.classes, values)
        if self._check.would_ask(mismatch):
            asks.append(mismatch.text)
        return f"Accepts {what}{'; asks once, as ' + ', and '.join(asks) if asks else ''}."

    def _about_proposal(self, table: Table) -> list[str]:
        """Return what to ask, once, when a few strokes would be accepted without the proposal shown around them."""
        canvas = table.canvas
        if not (canvas.touched and canvas.proposal_ignored) or (share := canvas.share_of_proposal()) >= LITTLE:
            return []
        canvas.proposal_ignored = False
        return [
            f"your mask holds {share:.0%} of what is proposed. Copy the proposal into the mask first (Shift+Y), or "
            "accept again to keep only what you painted."
        ]

    def skip(self) -> bool:
        """Put the image off (it comes back last) and show the next undecided one."""
        return self._decide("skipped", and_next=True)

    @reported
    def toggle_flag(self) -> bool:
        """Flag the image for someone else to look at, or take the flag away."""
        flagged = self._opened.table.record.state == "flagged"
        return self._decide("todo" if flagged else "flagged", and_next=False)

    def exclude(self) -> bool:
        """Exclude the image: it never trains and is never exported. Shows the next undecided one."""
        return self._decide("excluded", and_next=True)

    @reported
    def _decide(self, state: State, and_next: bool) -> bool:
        table = self._opened.table
        image_id = table.shown_id()
        if not table.flush():
            return False
        table.project.review.decide(image_id, state)
        return self._decided(table, image_id, and_next)

    def _decided(self, table: Table, image_id: str, and_next: bool) -> bool:
        table.tell_state(image_id)
        table.generations.decided()
        if and_next:
            self._navigation.go_on()
        return True

    @reported
    def undo(self) -> bool:
        """Take back the last decision of the project and show its image as it was before."""
        table = self._opened.table
        if not table.flush():
            return False
        undone = table.project.review.undo()
        if undone is None:
            self.signals.notice.emit("There is no decision to undo.")
            return False
        table.tell_state(undone)
        return self._navigation.go_to(undone)

    def copy_proposal(
        self,
        class_value: int | None = None,
        only_empty: bool = False,
        copied: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.uint8] | None:
        """Return the mask (H, W) uint8 with the proposal copied in; None without a proposal.

        Nothing is changed yet: write it into the layer as one undoable step, then call `record_change` with
        `proposal_source` and `copied_pixels`.

        Parameters
        ----------
        class_value : int, optional
            Copy only the pixels proposed as this class; None copies everything, background included.
        only_empty : bool
            True leaves every pixel as it is that is not 0 or that a person drew.
        copied : (H, W) bool, optional
            What `copied_pixels` returned, where the caller has asked already.
        """
        table = self._opened.table
        if table.proposal is None:
            self.signals.notice.emit("There is no proposal to copy yet.")
            return None
        copied = self.copied_pixels(class_value, only_empty) if copied is None else copied
        return table.canvas.copy_of_proposal(copied)

    def copied_pixels(self, class_value: int | None = None, only_empty: bool = False) -> NDArray[np.bool_]:
        """Return (H, W) bool: the pixels whose value `copy_proposal` takes from the proposal."""
        table = self._opened.table
        return table.canvas.copied_pixels(class_value, only_empty, table.person_pixels if only_empty else None)

    def proposal_source(self) -> Source:
        """Return where the shown proposal comes from, as the source of pixels copied from it."""
        table = self._opened.table
        return proposal_source(table.project, table.shown, table.machine)

    def proposal_as_mask(self) -> SourcedMask | None:
        """Return the mask as it would be with the whole proposal copied in, for steps that work on the proposal."""
        table = self._opened.table
        return None if table.proposal is None else table.planned(table.proposal, self.proposal_source())

    @reported
    def set_note(self, text: str) -> bool:
        """Keep a reviewer's note with the shown image."""
        table = self._opened.table
        image_id = table.shown_id()
        table.project.set_note(image_id, text)
        table.refresh()
        return True


def _facts(table: Table, drawn: SourcedMask, origin: Source | None, mismatch: Mismatch) -> dict[str, Any]:
    """Return what the statistics want to know of a mask that is accepted now; `origin` is the shown proposal's."""
    proposal = table.proposal
    facts: dict[str, Any] = {
        "seconds": round(table.attention.seconds(mismatch.image_id), 1),
        "person": round(float(drawn.sources.person.mean()), 6),
    }
    facts |= {"missing": mismatch.missing, "extra": mismatch.extra} if mismatch else {}
    if proposal is not None and origin is not None:
        facts["edited"] = changed_fraction(proposal, drawn.values)
        facts["agreement"] = overlap(proposal, drawn.values)
        facts["model"] = origin.key
    return facts
