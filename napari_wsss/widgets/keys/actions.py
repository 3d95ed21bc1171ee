"""What keys and buttons do: each verb first hands unsaved strokes to the session, and says why when it cannot act."""

from collections.abc import Callable
from functools import partial

from qtpy.QtCore import QObject, Signal

from napari_wsss.core.classes import BACKGROUND, IGNORE
from napari_wsss.core.plural import counted
from napari_wsss.session.correct.neighbours import NONE
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import single_shot
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.keys.own_keys import key_table
from napari_wsss.widgets.keys.table import Key, digit_action, digit_in
from napari_wsss.widgets.layers.gaze import Gaze
from napari_wsss.widgets.layers.outline import toggle_outline
from napari_wsss.widgets.layers.viewer_sync import ViewerSync
from napari_wsss.widgets.preferences import digits_mean_classes

THRESHOLD_STEP = 0.02
KEEP_AFTER_MS = 600
"""Rest after which a threshold moved by keys is written into the plan."""
NEEDS_MAPS = ("threshold_down", "threshold_up", "most_uncertain")
WRITES = (
    *("accept", "skip", "flag", "exclude", "undo_decision", "edit_labels"),
    *("copy_class", "copy_all", "polygon", "point", "regions", "wand", "scribble", "propagate", "learn"),
    "take_neighbour",
)
NEEDS_PROPOSAL = ("copy_class", "copy_all", "compare")


class Actions(QObject):
    """The verbs of the review, by name.

    Attributes
    ----------
    notice : Signal(str)
        Why nothing happened.
    labels_wanted, class_wanted, help_wanted, grid_wanted, beside_wanted : Signal()
        A window should open the label editor, the choice of the class to paint, the key list, the grid, or
        two pictures side by side.
    about_to_run : Signal()
        The shown image may be left now: keep what is typed.
    done : Signal(str)
        An action was carried out.
    table_changed : Signal()
        Keys belong to other actions now.
    gaze : Gaze
        Where the camera looks.
    """

    notice = Signal(str)
    labels_wanted = Signal()
    class_wanted = Signal()
    help_wanted = Signal()
    grid_wanted = Signal()
    beside_wanted = Signal()
    about_to_run = Signal()
    done = Signal(str)
    table_changed = Signal()

    def __init__(self, session: Session, sync: ViewerSync, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._sync = session, sync
        self.gaze = Gaze(session, sync, self)
        self._later = single_shot(self, KEEP_AFTER_MS, session.sliders.keep)
        self._verbs: dict[str, Callable[[], object]] = {
            "previous": session.navigation.previous,
            "next": session.navigation.next,
            "accept": session.decisions.accept,
            "next_undecided": session.navigation.next_undecided,
            "previous_undecided": session.navigation.previous_undecided,
            "skip": session.decisions.skip,
            "flag": session.decisions.toggle_flag,
            "exclude": session.decisions.exclude,
            "undo_decision": session.decisions.undo,
            "ignore": lambda: sync.choose_value(IGNORE),
            "polygon": lambda: sync.set_tool("polygon"),
            "cycle": self._cycle,
            "copy_class": lambda: self._copy(sync.value),
            "copy_all": lambda: self._copy(None),
            "threshold_down": lambda: self._move_threshold(-THRESHOLD_STEP),
            "threshold_up": lambda: self._move_threshold(THRESHOLD_STEP),
            "hold_proposal": lambda: sync.peek.hold("proposal"),
            "hold_image": lambda: sync.peek.hold("image"),
            "mask_outline": self._outline_mask,
            "whole_image": sync.show_whole,
            "most_uncertain": self.gaze.next_uncertain,
            "point": lambda: sync.pointing.toggle("things"),
            "wand": lambda: sync.pointing.toggle("wand"),
            "regions": lambda: sync.pointing.toggle("regions"),
            "scribble": sync.scribbles.toggle,
            "propagate": self._propagate,
            "learn": session.learning.show_or_learn,
            "take_neighbour": session.neighbours.take,
            "compare": session.comparison.cycle,
            "choose_class": self.class_wanted.emit,
            "edit_labels": self.labels_wanted.emit,
            "help": self.help_wanted.emit,
            "grid": self.grid_wanted.emit,
            "side_by_side": self.beside_wanted.emit,
        }
        for digit in range(10):
            self._verbs[digit_action(digit)] = partial(self._choose_digit, digit)
        listen(self, (session.own_keys.changed, self._on_own_keys))

    def _on_own_keys(self) -> None:
        self.table_changed.emit()

    @property
    def table(self) -> tuple[Key, ...]:
        """The keys as this person has them."""
        return key_table(self._session.own_keys.keys, digits_mean_classes())

    def key_of(self, action: str) -> str:
        """Return the key of an action as a person reads it, "" when it has none."""
        return next((entry.shown for entry in self.table if entry.action == action), "")

    def with_key(self, text: str, action: str) -> str:
        """Return a tooltip with the action's key behind it: ``Previous image (A)``."""
        key = self.key_of(action)
        return f"{text} ({key})" if key else text

    def accepting_means(self) -> str:
        """Return what accepting would do now, strokes of this moment included, and where it goes then."""
        self._sync.commit()
        return f"{self._session.decisions.accepting_means()} Then the next undecided image."

    def why_disabled(self, action: str) -> str:
        """Return why an action is not possible now, "" when it is."""
        session = self._session
        if action == "help":
            return ""
        table = session.shown_table
        if table is None:
            return "no project is open" if session.project is None else "no image is shown"
        if table.project.read_only and action in WRITES:
            return "the project is open read-only"
        if action in NEEDS_PROPOSAL and table.proposal is None:
            return "there is no proposal yet"
        if action == "propagate" and not session.scribbles.any:
            return "nothing is scribbled yet"
        if action == "take_neighbour" and not session.neighbours.found():
            return NONE if session.neighbours.is_page else "the image is no page of a stack"
        if action == "copy_class" and self._sync.value == IGNORE:
            return "proposals hold no ignore pixels"
        if action == "cycle" and not table.record.labels:
            return "the image has no labels"
        if action in NEEDS_MAPS and table.maps is None:
            return "there are no activation maps yet"
        digit = digit_in(action)
        if digit is not None and session.digits.value_of(digit) is None:
            return f"the project has {counted(len(session.digits.order), 'class', 'classes')}"
        return ""

    def run(self, action: str) -> None:
        """Do an action, or say why it is not possible now."""
        reason = self.why_disabled(action)
        if reason:
            self.notice.emit(f"Not now: {reason}.")
            return
        self.about_to_run.emit()
        self._sync.commit()
        self._verbs[action]()
        self._sync.reconcile()
        self.done.emit(action)

    def go_to(self, image_id: str) -> None:
        """Show an image of the queue."""
        self.about_to_run.emit()
        self._sync.commit()
        self._session.navigation.go_to(image_id)

    def finish(self, action: str) -> None:
        """End an action that lasts while its key is held."""
        if action.startswith("hold"):
            self._sync.peek.release()

    def copy(self, class_value: int | None, only_empty: bool = False) -> None:
        """Copy the proposal into the mask as one undoable step: one class, or everything.

        Parameters
        ----------
        class_value : int, optional
            Mask value of the class to copy; None copies all.
        only_empty : bool
            Leave every pixel as it is that is not background or that a person drew.
        """
        self._sync.commit()
        self._copy(class_value, only_empty)

    def _copy(self, class_value: int | None, only_empty: bool = False) -> None:
        """Copy the proposal where what was painted is known to the session already."""
        copied = self._session.decisions.copied_pixels(class_value, only_empty)
        values = self._session.decisions.copy_proposal(class_value, only_empty, copied)
        if values is not None:
            self._sync.write_mask(values, self._session.decisions.proposal_source(), copied)

    def _outline_mask(self) -> None:
        mask = self._sync.mask
        if mask is not None:
            shown = "as outline only" if toggle_outline(mask) else "filled"
            self.notice.emit(self.with_key(f"Your mask is shown {shown}", "mask_outline"))

    def _choose_digit(self, digit: int) -> None:
        value = self._session.digits.value_of(digit)
        if value is not None:
            self._sync.choose_value(value)

    def _propagate(self) -> None:
        self._sync.scribbles.record()  # the stroke of this moment
        self._session.propagation.start()

    def _cycle(self) -> None:
        """Go to the next labelled class: its map is shown and, unless background or ignore is painted, painted."""
        cams, classes, value = self._sync.cams, self._session.classes, self._sync.value
        if classes is None or value in (BACKGROUND, IGNORE):
            cams.cycle()
            return
        if classes.name_of(value) in cams.names:  # else the shown map's class comes first
            cams.cycle()
        self._sync.choose_value(classes.mask_value(cams.current))

    def title_of(self, entry: Key) -> str:
        """Return what a key does now, class names included."""
        classes, digit = self._session.classes, digit_in(entry.action)
        value = None if digit is None else self._session.digits.value_of(digit)
        if classes is None or value is None or self.why_disabled(entry.action):
            return entry.title
        return f"paint {classes.name_of(value)}"

    def _move_threshold(self, step: float) -> None:
        self._session.sliders.set_threshold(round(self._session.sliders.threshold + step, 4))
        self._later.start()
