"""Features of images that are asked for again and again, kept as long as the network that made them."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from weakref import WeakKeyDictionary

from torch import Tensor, nn

CAPACITY = 256 * 2**20


class KeptFeatures:
    """Tensors by key, those not used for longest forgotten when there are too many bytes.

    Parameters
    ----------
    capacity : int
        Bytes.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity, self._bytes = capacity, 0
        self._kept: OrderedDict[Hashable, Tensor] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Tensor]) -> Tensor:
        """Return the tensor under `key`, made now when it is not kept."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        made = make()
        self._kept[key] = made
        self._bytes += made.nbytes
        while self._bytes > self._capacity and len(self._kept) > 1:
            self._bytes -= self._kept.popitem(last=False)[1].nbytes
        return made


_OF_NETWORK: WeakKeyDictionary[nn.Module, KeptFeatures] = WeakKeyDictionary()


def kept_features(network: nn.Module) -> KeptFeatures:
    """Return what is kept for a network whose weights no longer change (`fold.folded` makes a new one when they do)."""
    return _OF_NETWORK.setdefault(network, KeptFeatures())
