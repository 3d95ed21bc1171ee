"""A person's decisions: accept, skip, flag, exclude, undo; copying the proposal.

Accepting means: a mask that a person has touched (painted, copied, or a draft or accepted mask from before) is accepted
as it is. When the mask was never touched, the proposal on the screen is accepted. An untouched image with labels and no
proposal is not accepted, because that would silently say "nothing here". Strokes on an empty mask that leave most of
the proposal out are accepted at the second asking: the person may have thought the proposal was included.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import LabelError
from napari_wsss.core.masks import changed_fraction, overlap
from napari_wsss.core.sources import Source
from napari_wsss.project.journal import DECISIONS, Entry
from napari_wsss.project.records import State
from napari_wsss.project.sourced_masks import SourcedMask
from napari_wsss.session.review.origins import proposal_source
from napari_wsss.session.signals import reported
from napari_wsss.session.table.navigation import Walking

LITTLE = 0.5
"""Share of the proposed object pixels below which accepting painted strokes is asked about once."""


class Reviewing(Walking):
    """Decisions about the shown image."""

    @reported
    def accept(self, and_next: bool = True) -> bool:
        """Accept the touched mask, else the proposal; then show the next undecided image (see the module's rule)."""
        project, image_id = self._open()
        canvas = self._canvas
        assert canvas is not None
        self.attention.seen()
        self.record_change(canvas.mask)  # paint of the last moment counts
        values = canvas.mask_to_accept()
        if values is None:
            if project.catalog.get(image_id).labels:
                self.notice.emit("Nothing to accept yet: paint a mask, wait for the proposal, or remove the labels.")
                return False
            values = canvas.mask
        if self._asks_about_proposal():
            return False
        self._check_values(values)
        copied = not canvas.touched and bool(np.any(values != canvas.mask))
        source = None if canvas.touched or canvas.machine.proposal is None else self.proposal_source()
        assert self._autosave is not None
        drawn = self._autosave.drawn if source is None else self._autosave.planned(values, source)
        project.accept(image_id, drawn.values, self._facts(drawn), drawn.sources)
        self.attention.forget(image_id)
        self._accepted(np.array(values), source, copied and not and_next)
        return self._decided(image_id, and_next)

    def _facts(self, drawn: SourcedMask) -> dict[str, Any]:
        """Return what the statistics want to know of a mask that is accepted now."""
        canvas = self._canvas
        assert canvas is not None
        facts: dict[str, Any] = {
            "seconds": round(self.attention.seconds(canvas.image_id), 1),
            "person": round(float(drawn.sources.person.mean()), 6),
        }
        proposal = canvas.machine.proposal
        if proposal is not None:
            facts["edited"] = changed_fraction(proposal, drawn.values)
            facts["agreement"] = overlap(proposal, drawn.values)
            facts["model"] = self.proposal_source().key
        return facts

    def _asks_about_proposal(self) -> bool:
        """Ask once when a few strokes would be accepted without the proposal shown around them."""
        canvas = self._canvas
        assert canvas is not None
        if not (canvas.touched and canvas.proposal_ignored) or (share := canvas.share_of_proposal()) >= LITTLE:
            return False
        canvas.proposal_ignored = False
        self.notice.emit(
            f"Not accepted yet: your mask holds {share:.0%} of what is proposed. Copy the proposal into the mask first "
            "(Shift+Y), or accept again to keep only what you painted."
        )
        return True

    def _accepted(self, values: NDArray[np.uint8], source: Source | None, tell: bool) -> None:
        canvas, autosave = self._canvas, self._autosave
        assert canvas is not None
        assert autosave is not None
        canvas.mask, canvas.touched = values, True
        autosave.accepted(values, source)
        self.sources_changed.emit(canvas.image_id)
        if tell:
            self.mask_replaced.emit(canvas.image_id)

    def _check_values(self, values: NDArray[np.uint8]) -> None:
        project, _ = self._open()
        known = project.classes.values()
        unknown = [v for v in np.flatnonzero(np.bincount(values.ravel(), minlength=256)) if v not in known]
        if unknown:
            raise LabelError(
                f"The mask holds value {unknown[0]}, which is no class of this project (0 to {len(project.classes)}, "
                "or 255 for ignore). Paint those pixels with another class first."
            )

    def skip(self) -> bool:
        """Put the image off (it comes back last) and show the next undecided one."""
        return self._decide("skipped", and_next=True)

    @reported
    def toggle_flag(self) -> bool:
        """Flag the image for someone else to look at, or take the flag away."""
        project, image_id = self._open()
        flagged = project.catalog.state(image_id) == "flagged"
        return self._decide("todo" if flagged else "flagged", and_next=False)

    def exclude(self) -> bool:
        """Exclude the image: it never trains and is never exported. Shows the next undecided one."""
        return self._decide("excluded", and_next=True)

    @reported
    def _decide(self, state: State, and_next: bool) -> bool:
        project, image_id = self._open()
        if not self.flush():
            return False
        project.decide(image_id, state)
        return self._decided(image_id, and_next)

    def _decided(self, image_id: str, and_next: bool) -> bool:
        self._state = self.project.catalog.state(image_id) if self.project else ""
        self.state_changed.emit(image_id)
        if and_next:
            self.next_undecided()
        return True

    @reported
    def undo_decision(self) -> bool:
        """Take back the last decision of the project and show its image as it was before."""
        project, _ = self._open()
        if not self.flush():
            return False
        undone = project.undo_decision()
        if undone is None:
            self.notice.emit("There is no decision to undo.")
            return False
        self.state_changed.emit(undone)
        return self.go_to(undone)

    def recent_decisions(self, limit: int = 10) -> list[Entry]:
        """Return the last decisions, newest first, those taken back included."""
        return self.project.journal.recent(limit, DECISIONS) if self.project else []

    def copy_proposal(self, class_value: int | None = None, only_empty: bool = False) -> NDArray[np.uint8] | None:
        """Return the mask (H, W) uint8 with the proposal copied in; None without a proposal.

        Nothing is changed yet: write it into the layer as one undoable step, then call `record_change` with
        `proposal_source` and `copied_pixels`.

        Parameters
        ----------
        class_value : int, optional
            Copy only the pixels proposed as this class; None copies everything, background included.
        only_empty : bool
            True leaves every pixel as it is that is not 0 or that a person drew.
        """
        if self._canvas is None or self._canvas.machine.proposal is None:
            self.notice.emit("There is no proposal to copy yet.")
            return None
        return self._canvas.copy_of_proposal(self.copied_pixels(class_value, only_empty))

    def copied_pixels(self, class_value: int | None = None, only_empty: bool = False) -> NDArray[np.bool_]:
        """Return (H, W) bool: the pixels whose value `copy_proposal` takes from the proposal."""
        assert self._canvas is not None
        return self._canvas.copied_pixels(class_value, only_empty, self.person_pixels)

    def proposal_source(self) -> Source:
        """Return where the shown proposal comes from, as the source of pixels copied from it."""
        project, image_id = self._open()
        assert self._canvas is not None
        return proposal_source(project, image_id, self._canvas.machine)

    def proposal_as_mask(self) -> SourcedMask | None:
        """Return the mask as it would be with the whole proposal copied in, for steps that work on the proposal."""
        if self._autosave is None or self.proposal is None:
            return None
        return self._autosave.planned(self.proposal, self.proposal_source())

    @reported
    def set_note(self, text: str) -> bool:
        """Keep a reviewer's note with the shown image."""
        project, image_id = self._open()
        project.set_note(image_id, text)
        return True
