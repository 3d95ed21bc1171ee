"""The pages of the panel, each made when it is first shown or asked for: nobody waits for what nobody looks at."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QTabWidget, QWidget

from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import PageArea
from napari_wsss.widgets.controls.stubs import certain
from napari_wsss.widgets.keys.actions import Actions
from napari_wsss.widgets.layers.viewer_sync import ViewerSync

if TYPE_CHECKING:
    from napari_wsss.widgets.clusters.page import ClustersPage
    from napari_wsss.widgets.correct.page import CorrectPage
    from napari_wsss.widgets.export_page import ExportPage
    from napari_wsss.widgets.project.import_form import LayerValues
    from napari_wsss.widgets.project.page import ProjectPage
    from napari_wsss.widgets.refine.page import RefinePage
    from napari_wsss.widgets.review.page import ReviewPage
    from napari_wsss.widgets.statistics_page import StatisticsPage
    from napari_wsss.widgets.train.page import TrainPage

PAGES = ("Project", "Review", "Refine", "Correct", "Clusters", "Train", "Stats", "Export")
TABS = "QTabBar { font-size: 11px; } QTabBar::tab { padding: 3px 1px; font-size: 11px; }"
"""All eight fit a narrow dock, mostly with all their letters."""
WIDTH = 331  # pixels that the widest page asks for, its options read: the panel does not grow when that is made

Page = TypeVar("Page", bound=QWidget)


class Pages(QTabWidget):
    """Tabs; `project`, `review` and so on make their page, and its modules are loaded then.

    Parameters
    ----------
    session : Session
    sync : ViewerSync
    actions : Actions
    chosen_layer : callable, optional
        See `ImportForm`.

    Attributes
    ----------
    strip_wanted : Signal()
        The filmstrip should be shown or hidden.
    """

    strip_wanted = Signal()

    def __init__(
        self,
        session: Session,
        sync: ViewerSync,
        actions: Actions,
        chosen_layer: "LayerValues | None" = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._sync, self._actions, self._chosen_layer = session, sync, actions, chosen_layer
        self.setDocumentMode(True)
        self._fit_tabs()
        makers: tuple[Callable[[], QWidget], ...] = (
            lambda: self.project,
            lambda: self.review,
            lambda: self.refine,
            lambda: self.correct,
            lambda: self.clusters,
            lambda: self.train,
            lambda: self.statistics,
            lambda: self.export,
        )
        self._areas = {name: _LaterPage(make) for name, make in zip(PAGES, makers, strict=True)}
        for name, area in self._areas.items():
            self.setTabToolTip(self.addTab(area, name), name)

    def _fit_tabs(self) -> None:
        """Keep every tab in sight: where the words are too wide (another Qt, larger fonts) they are shortened."""
        bar = certain(self.tabBar())
        bar.setStyleSheet(TABS)
        bar.setUsesScrollButtons(False)
        bar.setElideMode(Qt.TextElideMode.ElideRight)
        bar.setExpanding(True)  # beside the last one Qt would draw the stub of another tab,
        bar.setDrawBase(False)  # and in the gaps dots

    @property
    def made(self) -> list[str]:
        """Names of the pages that were made so far, from left to right."""
        return [name for name, area in self._areas.items() if area.widget() is not None]

    @property
    def front_name(self) -> str:
        """Name of the page that is in front."""
        return PAGES[self.currentIndex()]

    @property
    def front(self) -> PageArea:
        """The place of the page that is in front, which scrolls."""
        return self._areas[self.front_name]

    def bring(self, name: str) -> None:
        """Bring a page to the front."""
        self.setCurrentIndex(PAGES.index(name))

    def bring_scope(self, name: str, scope: str) -> None:
        """Bring a page to the front; a scope that is not "" is chosen for changes of parameters."""
        self.bring(name)
        if scope:
            self.refine.choose_scope(scope)

    @cached_property
    def project(self) -> "ProjectPage":
        """Projects, classes, device."""
        from napari_wsss.widgets.project.page import ProjectPage

        page = self._put("Project", ProjectPage(self._session, self._chosen_layer))
        page.offered.connect(lambda: self.bring("Project"))
        return page

    @cached_property
    def review(self) -> "ReviewPage":
        """Queue, labels and decisions."""
        from napari_wsss.widgets.review.page import ReviewPage

        page = self._put("Review", ReviewPage(self._session, self._sync, self._actions))
        page.queue.strip_wanted.connect(self.strip_wanted)
        return page

    @cached_property
    def refine(self) -> "RefinePage":
        """From maps to the proposal."""
        from napari_wsss.widgets.refine.page import RefinePage

        return self._put("Refine", RefinePage(self._session, self._actions))

    @cached_property
    def correct(self) -> "CorrectPage":
        """Clicks, scribbles, clean-up."""
        from napari_wsss.widgets.correct.page import CorrectPage

        return self._put("Correct", CorrectPage(self._session, self._sync, self._actions))

    @cached_property
    def clusters(self) -> "ClustersPage":
        """Sub-categories."""
        from napari_wsss.widgets.clusters.page import ClustersPage

        page = self._put("Clusters", ClustersPage(self._session, self._sync, self._actions))
        page.page_wanted.connect(self.bring_scope)
        return page

    @cached_property
    def train(self) -> "TrainPage":
        """Trainings and models."""
        from napari_wsss.widgets.train.page import TrainPage

        return self._put("Train", TrainPage(self._session))

    @cached_property
    def statistics(self) -> "StatisticsPage":
        """How far, how fast."""
        from napari_wsss.widgets.statistics_page import StatisticsPage

        page = self._put("Stats", StatisticsPage(self._session))
        page.disagreement.wanted.connect(self._actions.go_to)
        return page

    @cached_property
    def export(self) -> "ExportPage":
        """Masks out."""
        from napari_wsss.widgets.export_page import ExportPage

        return self._put("Export", ExportPage(self._session))

    def _put(self, name: str, page: Page) -> Page:
        self._areas[name].hold(page)
        return page


class _LaterPage(PageArea):
    """The place of a page that is made when the place is first shown."""

    def __init__(self, make: Callable[[], QWidget]) -> None:
        super().__init__()
        self.setMinimumWidth(WIDTH)
        self._make = make

    def showEvent(self, event: QShowEvent | None) -> None:
        """Make the page."""
        self._make()
        super().showEvent(event)
