from __future__ import annotations

import numpy as np

from napari_wsss.session.gallery import pictures as gallery_pictures
from napari_wsss.session.gallery.pictures import Wish, picture_with_contour
from tests.session.conftest import Sitting


def test_the_contour_of_the_class_is_drawn_where_there_is_a_map(computed: Sitting) -> None:
    project = computed.session.project
    assert project is not None
    plain, red = (picture_with_contour(project, Wish("p0.png", name, 64)) for name in ("blue", "red"))
    assert plain is not None
    assert red is not None
    assert plain.shape == red.shape
    assert max(red.shape[:2]) <= 64
    changed = (plain != red).any(2)
    assert changed.any()
    assert changed.mean() < 0.5
    assert not changed[:, red.shape[1] * 3 // 4 :].any()  # the green square on the right
    assert picture_with_contour(project, Wish("unknown.png", "red", 64)) is None


def test_pictures_are_made_in_the_background_and_bounded(computed: Sitting, monkeypatch) -> None:
    pictures, ready = computed.session.gallery.pictures, []
    monkeypatch.setattr(gallery_pictures, "KEPT", 2)
    pictures.ready.connect(ready.append)
    assert all(pictures.get(f"p{number}.png", "red", 48) is None for number in range(3))
    computed.settle()
    assert {wish.image_id for wish in ready} == {"p0.png", "p1.png", "p2.png"}
    kept = [pictures.get(wish.image_id, "red", 48) for wish in ready]
    assert sum(picture is not None for picture in kept) == 2
    computed.settle()

    computed.session.signals.maps_ready.emit(ready[-1].image_id)  # other maps: made anew
    assert pictures.get(ready[-1].image_id, "red", 48) is None
    computed.settle()
    found = pictures.get(ready[-1].image_id, "red", 48)
    assert found is not None
    assert found.dtype == np.uint8
