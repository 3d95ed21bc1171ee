"""What of a project can be exported; a command shows it before anything heavy is imported."""

from typing import Literal

What = Literal["masks", "proposals", "maps", "clusters", "labels"]
WHAT: dict[What, str] = {
    "masks": "masks",
    "proposals": "proposals (pseudo masks)",
    "maps": "activation maps",
    "clusters": "clusters",
    "labels": "image-level labels",
}
"""What can be handed out -> what a person reads."""
USUAL: dict[What, str] = {
    "masks": "voc",
    "proposals": "voc",
    "maps": "maps_irn",
    "clusters": "clusters_csv",
    "labels": "labels_csv",
}
"""The format where none is chosen."""
