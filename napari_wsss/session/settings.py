"""What a person chose for the whole sitting, whichever project is open."""

from dataclasses import dataclass
from pathlib import Path


@dataclass
class Settings:
    """Choices that outlive a project; read where they count, so that a change counts from the next time on.

    Attributes
    ----------
    device : str
        What computes maps and proposals, as `networks.device.choose_device` takes it.
    device_found : str
        What the device ``auto`` is here, as the computing program said; "" until it was asked.
    ahead : int
        How many of the next images are read before they are shown.
    learns_at_once : bool
        Whether a learner beside the window learns from every decision by itself.
    segmenter : (Path, Path), optional
        Files of encoder and decoder of the promptable segmenter that answers clicks; None leaves them to colours and
        maps.
    """

    device: str = "auto"
    device_found: str = ""
    ahead: int = 3
    learns_at_once: bool = False
    segmenter: tuple[Path, Path] | None = None
