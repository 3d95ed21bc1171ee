"""Which tensor of a file goes where in one of our networks, found without loading anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from napari_wsss.core.errors import WeightsError
from napari_wsss.weights.descriptor import WeightsDescriptor
from napari_wsss.weights.heads import background_first, class_count, described, joined

_COUNTER = "num_batches_tracked"  # absent from old files and of no effect on the output
_LISTED = 6


@dataclass(frozen=True)
class FitReport:
    """What became of every tensor.

    Parameters
    ----------
    descriptor : WeightsDescriptor
        Under whose rules it was fitted.
    loaded : tuple of str
        Our keys that got a value from the file.
    missing : tuple of str
        Our keys without one.
    unexpected : tuple of str
        Keys of the file without a place, or with one of another size.
    skipped_head : tuple of str
        Keys of the file's head, left out because ours differs or does not exist.
    """

    descriptor: WeightsDescriptor
    loaded: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    skipped_head: tuple[str, ...] = ()


@dataclass
class Matching:
    """The file's tensors by what can be done with them.

    Parameters
    ----------
    descriptor : WeightsDescriptor
        Under whose rules they were sorted.
    class_count : int
        Foreground classes of the file; 0 without a head.
    accepted : dict
        Our key -> the file's tensor, in our order of classes.
    missing : list of str
        Our keys without a value.
    """

    descriptor: WeightsDescriptor
    class_count: int = 0
    accepted: dict[str, Tensor] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    _ignored: list[str] = field(default_factory=list)
    _unexpected: list[str] = field(default_factory=list)
    _wrong_shape: dict[str, str] = field(default_factory=dict)  # their key -> both shapes
    _skipped_head: list[str] = field(default_factory=list)
    _other_head: dict[str, int] = field(default_factory=dict)  # their key -> channels in the file
    _own_head: set[str] = field(default_factory=set)

    def report(self) -> FitReport:
        """Return what becomes of every tensor."""
        unexpected = (*self._ignored, *self._unexpected, *self._wrong_shape)
        skipped = (*self._skipped_head, *self._other_head)
        return FitReport(self.descriptor, tuple(self.accepted), tuple(self.missing), unexpected, skipped)

    def problem(self, *, allow_head_mismatch: bool = False) -> WeightsError | None:
        """Return why the file does not fit, listing what is left over; None when it does.

        Parameters
        ----------
        allow_head_mismatch : bool
            A head for another number of classes is no reason.
        """
        if self._other_head and not allow_head_mismatch:
            return self._other_classes()
        wanted = [key for key in self.missing if key not in self._own_head and not self.descriptor.is_optional(key)]
        for what, keys in (
            ("sizes that do not fit", list(self._wrong_shape.values())),
            ("names the network does not have", self._unexpected),
            ("no values for", wanted),
        ):
            if keys:
                return self._left_over(what, keys)
        return None

    def place(self, key: str, tensor: Tensor, target: Mapping[str, Tensor]) -> None:
        """Sort one tensor of the file by its `key`; `target` is the network's state dict."""
        own = self.descriptor.renamed(key)
        place, head = target.get(own), self.descriptor.is_head(key)
        if head and place is not None:
            self._own_head.add(own)
            tensor = background_first(tensor, self.descriptor, key)
        if place is not None and place.shape == tensor.shape:
            self.accepted[own] = tensor
        elif head and place is not None:
            self._other_head[key] = tensor.shape[0]
        elif head:
            self._skipped_head.append(key)
        elif place is not None:
            self._wrong_shape[key] = f"{key} {tuple(tensor.shape)} for {own} {tuple(place.shape)}"
        else:
            left_over = self.descriptor.is_ignorable(key) or key.endswith(_COUNTER)
            (self._ignored if left_over else self._unexpected).append(key)

    def _other_classes(self) -> WeightsError:
        key, channels = next(iter(self._other_head.items()))
        return WeightsError(
            f"The weights ({self.descriptor.title}) are for {described(self.descriptor, self.class_count)}; the "
            f"network has another number ({key} has {channels} rows). Use a project with the file's classes, or keep "
            "the trunk and start with a fresh head."
        )

    def _left_over(self, what: str, keys: Sequence[str]) -> WeightsError:
        descriptor = self.descriptor
        listed = ", ".join(keys[:_LISTED]) + (f" and {len(keys) - _LISTED} more" if len(keys) > _LISTED else "")
        on = f" on {descriptor.trunk}" if descriptor.trunk not in ("", descriptor.network) else ""
        return WeightsError(
            f"The weights ({descriptor.title}) have {what}: {listed}. They are for {descriptor.network}{on}.",
            candidates=(descriptor.network,),
        )


def matched(state: Mapping[str, Tensor], target: Mapping[str, Tensor], descriptor: WeightsDescriptor) -> Matching:
    """Return where every tensor of a file goes.

    Parameters
    ----------
    state : mapping of str to Tensor
        The file's, as `read` returns it.
    target : mapping of str to Tensor
        The network's state dict; only its shapes matter, so the meta device will do.
    descriptor : WeightsDescriptor
        The file's origin.
    """
    state = joined(state, descriptor)
    found = Matching(descriptor, class_count(state, descriptor))
    for key, tensor in state.items():
        found.place(key, tensor, target)
    found.missing = [key for key in target if key not in found.accepted and not key.endswith(_COUNTER)]
    return found
