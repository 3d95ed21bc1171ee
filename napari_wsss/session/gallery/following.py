"""What the session does when something other than its own verbs changed labels, clusters or proposals of images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from napari_wsss.core.errors import ParameterError
from napari_wsss.session.proposals.companions import CompanionChoice


class SubCategories(CompanionChoice):
    """Follows the gallery (see `gallery`)."""

    def labels_were_edited(self, image_ids: Iterable[str]) -> None:
        """Bring maps and proposals of images after their labels; masks do not change."""
        for image_id in image_ids:
            self.labels_changed.emit(image_id)
            self._labels_moved(image_id)

    def clusters_moved(self, renamed: Mapping[str, str] | None = None) -> None:
        """Bring what is shown after the clusters: proposals where clusters have parameters, and the queue.

        Parameters
        ----------
        renamed : mapping of str to str, optional
            Full names that are others now; a search for one goes on under the new name.
        """
        if self.plan.knows_clusters:
            self.plan_changed.emit()
            self._forget_drawn()
        queue = self.queue
        if queue is None or not ("cluster:" in queue.search or queue.order == "diversity"):
            return
        for old, new in (renamed or {}).items():
            queue.search = queue.search.replace(f'cluster:"{old}"', f'cluster:"{new}"')
        try:
            self.refresh_queue()
        except ParameterError:
            self.notice.emit(f"There is no such cluster any more: {queue.search}. All images are shown again.")
            self.set_search("")

    def proposals_were_replaced(self, image_ids: Iterable[str]) -> None:
        """Show the proposals that images have now."""
        self._computed(tuple(image_ids), {})
