"""A catalog that is only asked."""

from __future__ import annotations

import pytest

from napari_wsss.core.errors import ProjectError
from napari_wsss.project.criteria import Criteria
from napari_wsss.project.listing.reading import CatalogReading
from napari_wsss.project.project import Project
from tests.tiny_project import IDS


def test_it_answers_without_being_able_to_change_anything(project: Project) -> None:
    asked = CatalogReading(project._database)
    assert len(asked) == len(IDS)
    assert list(asked.ids(label="dog")) == [IDS[0]]
    assert asked.find(Criteria(text="DAY")) == list(IDS[2:])
    assert asked.class_counts() == {"cat": 4, "dog": 1, "wild boar": 0}
    with pytest.raises(ProjectError, match="no image 'z'"):
        asked.get("z")
    assert not hasattr(asked, "set_state")
