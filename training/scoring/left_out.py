"""Images that a comparison leaves out, and why: one that cannot be read ends no work on the others."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from napari_wsss.core.errors import StepError, WsssError
from training.report import Reporter


class LeftOut(dict[str, str]):
    """Image ids and why each cannot be used: missing, damaged, of another size than its true mask ..."""

    @contextmanager
    def naming(self, image_id: str) -> Iterator[None]:
        """Note what goes wrong with one image; what all of them lack (a model) is raised as it is."""
        try:
            yield
        except (WsssError, OSError) as reason:
            if isinstance(reason, StepError) and reason.missing:
                raise
            self[image_id] = str(reason)

    def rest(self, ids: Iterable[str]) -> list[str]:
        """Return those of the images that can be used, in their order.

        Raises
        ------
        StepError
            When there are images and none of them can be.
        """
        ids = list(ids)
        found = [image_id for image_id in ids if image_id not in self]
        if ids and not found:
            raise StepError(f"None of the {len(ids)} chosen images can be used. The first, {ids[0]}: {self[ids[0]]}")
        return found

    def say(self, report: Reporter) -> None:
        """Tell every image that is left out, and why."""
        for image_id, reason in self.items():
            report.say(f"left out: {image_id}: {reason}", image=image_id)
