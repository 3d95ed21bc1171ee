"""What follows when something other than a person's own verbs changed labels, clusters or proposals of images."""

from collections.abc import Iterable, Mapping

from napari_wsss.core.errors import ParameterError
from napari_wsss.session.proposals.inference import Inference
from napari_wsss.session.proposals.sliders import Sliders
from napari_wsss.session.review.labels import Labels
from napari_wsss.session.signals import Signals
from napari_wsss.session.table.navigation import Navigation
from napari_wsss.session.table.opened import Opened


class Following:
    """Brings the session after the gallery (see `gallery`).

    Parameters
    ----------
    opened : Opened
    navigation : Navigation
    labels : Labels
    inference : Inference
    sliders : Sliders
    signals : Signals
    """

    def __init__(
        self,
        opened: Opened,
        navigation: Navigation,
        labels: Labels,
        inference: Inference,
        sliders: Sliders,
        signals: Signals,
    ) -> None:
        self._opened, self._navigation, self._labels = opened, navigation, labels
        self._inference, self._sliders, self._signals = inference, sliders, signals

    def labels_were_edited(self, image_ids: Iterable[str]) -> None:
        """Bring maps and proposals of images after their labels; masks do not change."""
        for image_id in image_ids:
            self._labels.follow(image_id)

    def clusters_moved(self, renamed: Mapping[str, str] | None = None) -> None:
        """Bring what is shown after the clusters: proposals where clusters have parameters, and the queue.

        Parameters
        ----------
        renamed : mapping of str to str, optional
            Full names that are others now; a search for one goes on under the new name.
        """
        table, queue = self._opened.table, self._navigation.queue
        table.refresh()
        if table.plan.knows_clusters:
            self._signals.plan_changed.emit()
            self._sliders.forget_drawn()
        if not ("cluster:" in queue.search or queue.order == "diversity"):
            return
        for old, new in (renamed or {}).items():
            queue.search = queue.search.replace(f'cluster:"{old}"', f'cluster:"{new}"')
        try:
            self._navigation.refresh_queue()
        except ParameterError:
            self._signals.notice.emit(f"There is no such cluster any more: {queue.search}. All images are shown again.")
            self._navigation.set_search("")

    def proposals_were_replaced(self, image_ids: Iterable[str]) -> None:
        """Show the proposals that images have now."""
        self._inference.take(tuple(image_ids))
