"""A number with its noun."""


def counted(count: int, one: str, many: str = "") -> str:
    """Return a count with its noun, and whatever agrees with it: ``1 image has``, ``2,400 images have``.

    Parameters
    ----------
    count : int
    one : str
        What stands behind 1.
    many : str
        What stands behind any other number; `one` with an s without it.
    """
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"
