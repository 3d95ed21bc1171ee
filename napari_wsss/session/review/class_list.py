"""The class list as a person changes it: classes added, renamed, merged, deleted and coloured, and that taken back."""

from collections.abc import Callable

from napari_wsss.clusters.edits import refresh_image_clusters
from napari_wsss.core.classes import alike
from napari_wsss.project.classes.class_changes import BECOMES, Effect
from napari_wsss.session.proposals.sliders import Sliders
from napari_wsss.session.signals import Signals, reported
from napari_wsss.session.table.navigation import Navigation
from napari_wsss.session.table.opened import Opened
from napari_wsss.session.table.table import Table


class ClassEdits:
    """Changes of the open project's class list.

    Parameters
    ----------
    opened : Opened
    navigation : Navigation
        Shows the image on the table anew.
    sliders : Sliders
        Whose plan knows classes by name.
    signals : Signals
    """

    def __init__(self, opened: Opened, navigation: Navigation, sliders: Sliders, signals: Signals) -> None:
        self._opened, self._navigation, self._sliders, self.signals = opened, navigation, sliders, signals

    @reported
    def add(self, name: str) -> bool:
        """Add a class at the end of the list (mask values of the others stay)."""
        return self._change(lambda table: table.project.add_class(name))

    @reported
    def rename(self, old: str, new: str) -> bool:
        """Rename a class everywhere; masks do not change."""
        return self._change(lambda table: table.project.rename_class(old, new))

    def effect(self, name: str, into: str) -> Effect:
        """Return what `become` would do; errors as `ClassChanges.effect`."""
        return self._opened.table.project.class_changes.effect(name, into)

    @reported
    def become(self, name: str, into: str) -> bool:
        """Merge a class into another one, or delete it (into ``background`` or ``ignore``); `undo` takes it back."""
        done: list[Effect] = []

        def change(table: Table) -> None:
            changes = table.project.class_changes
            done.append(changes.delete(name, into) if into in BECOMES else changes.merge(name, into))  # type: ignore[arg-type]  # checked there

        if not self._change(change, masks=True):
            return False
        self.signals.notice.emit(done[0].text)
        return True

    @reported
    def colour(self, name: str, colour: str) -> bool:
        """Give a class another colour on the screen, ``#rrggbb``, or its palette's again (""); `undo` takes it back."""
        if not self._change(lambda table: table.project.class_changes.set_colour(name, colour)):
            return False
        similar = self.similar(name)
        if similar:
            self.signals.notice.emit(f"{name} can hardly be told apart from {' and '.join(similar)} on the screen.")
        return True

    def similar(self, name: str) -> tuple[str, ...]:
        """Return the classes whose colours can hardly be told apart from that of class `name`."""
        classes = self._opened.table.classes
        own = classes.screen[classes.mask_value(name)].tolist()
        others = (one for one in classes.current if one != name)
        return tuple(one for one in others if alike(own, classes.screen[classes.mask_value(one)].tolist()))

    @property
    def undoable(self) -> str:
        """What `undo` takes back, in words; "" for nothing."""
        table = self._opened.or_none
        return "" if table is None or table.project.read_only else table.project.class_changes.last

    @reported
    def undo(self) -> bool:
        """Take back the last merge, deletion or colour."""
        told: list[str] = []
        if not self._change(lambda table: told.append(table.project.class_changes.take_back()), masks=True):
            return False
        if told[0]:
            self.signals.notice.emit(f"Taken back: {told[0]}.")
        return bool(told[0])

    def _change(self, change: Callable[[Table], None], masks: bool = False) -> bool:
        """Make a change, save what is painted before and bring everything after it; `masks`: they are read anew."""
        table = self._opened.table
        if masks and not table.flush():
            return False
        self._sliders.save()  # a plan that is being tried knows the old names
        change(table)
        if masks:
            refresh_image_clusters(table.project)
        table.refresh_all()
        self.signals.classes_changed.emit()
        self._navigation.follow_classes()
        if masks and table.image_id:
            table.prefetch.clear()
            self._navigation.go_to(table.image_id)
        return True
