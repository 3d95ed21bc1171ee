"""Where the parts of a session find the table of the project that is open."""

from napari_wsss.core.errors import ProjectError
from napari_wsss.session.table.table import Table


class Opened:
    """Holds the table while a project is open; parts ask it at every call, so that they outlive projects.

    Attributes
    ----------
    or_none : Table, optional
        The table; None while no project is open. For those who may be called then: windows, and answers that come
        late from the background.
    """

    def __init__(self) -> None:
        self.or_none: Table | None = None

    @property
    def table(self) -> Table:
        """The table; raises `ProjectError` while no project is open."""
        if self.or_none is None:
            raise ProjectError("No project is open. Open one, or create one, first.")
        return self.or_none

    def holds(self, table: Table) -> bool:
        """Return True while this table's project is open: an answer from the background is not too late."""
        return self.or_none is table
