"""All commands of `napari-wsss`, in the order and under the headings of its help."""

from napari_wsss.commands import (
    classes,
    create,
    doctor,
    durable,
    export,
    formats,
    images,
    import_any,
    import_labels,
    import_maps,
    import_masks,
    look,
    stages,
)
from napari_wsss.commands.base import Command, Forwarded

COMMANDS: dict[str, tuple[Command | Forwarded, ...]] = {
    "make and fill a project": (
        create.SAMPLE,
        create.CREATE,
        create.LABELS_REPORT,
        images.ADD_IMAGES,
        images.LOCATE_IMAGES,
        images.SCALE_DEEP,
        import_any.IMPORT,
        images.CHANNELS,
        import_labels.IMPORT_LABELS,
        import_masks.IMPORT_MASKS,
        import_maps.IMPORT_MAPS,
        classes.CLASSES,
    ),
    "look at it, and take it out": (
        look.OPEN,
        look.INFO,
        look.RUNS,
        doctor.DOCTOR,
        export.EXPORT,
        formats.FORMATS,
        durable.CHECK,
        durable.RESTORE,
    ),
    "train and compute (as `python -m training.run` does)": (stages.TRAIN, *stages.STAGES),
}


def find(name: str) -> Command | Forwarded | None:
    """Return the command that is typed so, None where there is none."""
    return next((command for group in COMMANDS.values() for command in group if command.name == name), None)
