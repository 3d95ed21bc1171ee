"""Keeping Python's garbage collector short: it looks at every object there is, and nothing else runs meanwhile.

A window with napari, Qt's bindings and torch has some 300,000 objects, which takes an eighth of a second and more,
whichever thread it comes in. Nearly all of them are what the libraries are made of and stay until the end.
"""

import gc

_passed = set[str]()


def leave_out(moment: str) -> bool:
    """Have full collections pass over all objects that exist now, once for each moment; False the other times.

    They are still freed when nobody refers to them any more; only what refers to itself in a circle would stay, so it
    is for moments right after a program has loaded its parts.
    """
    if moment in _passed:
        return False
    _passed.add(moment)
    gc.freeze()
    return True
