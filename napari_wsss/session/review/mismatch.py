"""What accepting can know: whether the mask and the image-level labels say the same.

A labelled class without a pixel, or a painted class that is no label, holds the first acceptance back; who accepts
again accepts the image as it is. What a person accepts all the same is remembered for the sitting.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_wsss.core.classes import ClassList
from napari_wsss.core.masks import class_values
from napari_wsss.project.records import ImageRecord


@dataclass(frozen=True)
class Mismatch:
    """Where a mask and the labels of its image differ; make one with `of`.

    Parameters
    ----------
    image_id : str
    missing : tuple of str
        Labelled classes without a pixel, in class order.
    extra : tuple of str
        Painted classes that are no label.
    """

    image_id: str = ""
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.missing or self.extra)

    @classmethod
    def of(cls, record: ImageRecord, classes: ClassList, values: NDArray[np.uint8]) -> "Mismatch":
        """Return the mismatch of a mask (H, W) uint8, false where there is none."""
        painted = set(map(classes.name_of, class_values(values)))
        missing = sorted(record.labels - painted, key=classes.names.index)
        extra = sorted(painted - record.labels - record.unknown, key=classes.names.index)
        return cls(record.id, tuple(missing), tuple(extra))

    @property
    def text(self) -> str:
        """The mismatch in words."""
        parts = [f"no pixel of {' and '.join(self.missing)}"] if self.missing else []
        parts += [f"{' and '.join(self.extra)} painted, but not a label"] if self.extra else []
        return "; ".join(parts)

    def without(self, agreed: frozenset[tuple[str, str]]) -> "Mismatch":
        """Return what is left to ask about: `agreed` are pairs of ``missing`` or ``extra`` and a class."""
        left: dict[str, list[str]] = {"missing": [], "extra": []}
        for kind, names in (("missing", self.missing), ("extra", self.extra)):
            for name in names:
                if (kind, name) not in agreed:
                    left[kind].append(name)
        return Mismatch(self.image_id, tuple(left["missing"]), tuple(left["extra"]))

    @property
    def pairs(self) -> frozenset[tuple[str, str]]:
        """What there is to agree to."""
        return frozenset([*(("missing", name) for name in self.missing), *(("extra", name) for name in self.extra)])


class MismatchCheck:
    """Asks once per image, and remembers for the sitting what was accepted all the same.

    Attributes
    ----------
    asked : Mismatch
        What is being asked about; false while nothing is.
    changed : Signal()
        Another question, or none any more.
    """

    changed = Signal()

    def __init__(self) -> None:
        self.asked = Mismatch()
        self._agreed: frozenset[tuple[str, str]] = frozenset()

    def begin(self, _image_id: str = "") -> None:
        """Ask nothing: another image is on the table, or its labels changed."""
        self._ask(Mismatch())

    def end(self) -> None:
        """Forget what was agreed: another project, another sitting."""
        self._agreed = frozenset()
        self.begin()

    def asks(self, found: Mismatch) -> bool:
        """Return True where acceptance has to wait for an answer about `found`; not when that was just asked."""
        open_question = found.without(self._agreed)
        if not open_question or open_question == self.asked:
            self._ask(Mismatch())
            return False
        self._ask(open_question)
        return True

    def would_ask(self, found: Mismatch) -> bool:
        """Return what `asks` would, asking nothing."""
        open_question = found.without(self._agreed)
        return bool(open_question) and open_question != self.asked

    def agree(self, to: Mismatch | None = None) -> None:
        """Remember that such masks (as the one asked about, without `to`) are accepted all the same."""
        self._agreed |= (to or self.asked).pairs

    def _ask(self, question: Mismatch) -> None:
        if question != self.asked:
            self.asked = question
            self.changed.emit()
