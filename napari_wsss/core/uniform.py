"""Arrays that hold one value everywhere, in the memory of a single one: what a whole mask often has as its source."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def uniform(shape: tuple[int, ...], value: Any) -> NDArray[Any]:
    """Return an array of a shape that holds one value (a numpy scalar) everywhere; it is not to be written into."""
    return np.broadcast_to(value, shape)


def uniform_value(array: NDArray[Any]) -> Any:
    """Return the value of an array that was made by `uniform`, None for any other: no pixel is looked at."""
    return array.flat[0] if array.size and not any(array.strides) else None
