from __future__ import annotations

import json
import multiprocessing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.errors import StepError
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.masks import decode_mask, encode_mask
from napari_wsss.core.provenance import Provenance
from napari_wsss.pixels.tap_features import TapFeatures
from napari_wsss.project.results.array_files import packed
from napari_wsss.project.results.kept_maps import arrays_of, as_stored
from napari_wsss.project.results.store import IMAGE_TEXT, ResultStore

CAM = Provenance("localize.cam", {"scales": [1.0]}, "weights-hash")
CRF = Provenance("refine.dense_crf", {"steps": 10}, parents=(CAM,))
IMAGE = "5" * 64


def some_maps(seed: int = 0, background: bool = True) -> ActivationMaps:
    random = np.random.default_rng(seed)
    scores = random.random((2, 9, 7), np.float32)
    return ActivationMaps(scores, (1, 4), random.random((9, 7), np.float32) if background else None)


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    return ResultStore(tmp_path / "results")


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_maps_that_are_no_numbers_are_neither_kept_nor_believed(
    store: ResultStore, monkeypatch: pytest.MonkeyPatch, wrong: float
) -> None:
    maps = some_maps()
    maps.scores[1, 2, 3] = wrong
    with pytest.raises(StepError, match=r"a\.png from localize\.cam"):
        store.write_maps(CAM, "a.png", IMAGE, maps)
    assert not store.has(CAM, "a.png", IMAGE)
    with monkeypatch.context() as patched:
        patched.setattr("napari_wsss.project.results.store.is_sound", lambda _maps: True)
        with np.errstate(invalid="ignore"):
            store.write_maps(CAM, "a.png", IMAGE, maps)
    assert store.read_maps(CAM, "a.png", IMAGE) is None


@pytest.mark.parametrize("maps", [some_maps(), some_maps(background=False), ActivationMaps.empty(4, 5)])
def test_maps_come_back_as_they_are_kept(store: ResultStore, maps: ActivationMaps) -> None:
    store.write_maps(CAM, "a.png", IMAGE, maps)
    found, expected = store.read_maps(CAM, "a.png", IMAGE), as_stored(maps)
    assert found is not None
    assert (found.size, found.classes) == (maps.size, maps.classes)
    assert np.array_equal(found.scores, expected.scores)
    assert (found.background is None) == (maps.background is None)


def test_a_replaced_image_or_another_step_reads_as_absent(store: ResultStore) -> None:
    store.write_maps(CAM, "x/a.png", IMAGE, some_maps())
    store.write_mask(CAM, "x/a.png", IMAGE, np.ones((9, 7), np.uint8))
    assert store.has(CAM, "x/a.png", IMAGE)
    for provenance, image_id, image_hash in ((CRF, "x/a.png", IMAGE), (CAM, "a.png", IMAGE), (CAM, "x/a.png", "6")):
        assert not store.has(provenance, image_id, image_hash)
        assert store.read_maps(provenance, image_id, image_hash) is None
        assert store.read_mask(provenance, image_id, image_hash) is None


@pytest.mark.parametrize("suffix", [".npz", ".png"])
@pytest.mark.parametrize("damage", ["cut", "empty", "text", "flip"])
def test_damaged_files_read_as_absent(store: ResultStore, suffix: str, damage: str) -> None:
    values = np.random.default_rng(0).integers(0, 3, (60, 60), dtype=np.uint8)
    store.write_maps(CAM, "a.png", IMAGE, some_maps())
    store.write_mask(CAM, "a.png", IMAGE, values)
    path = store.path(CAM, "a.png", suffix)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x40
    path.write_bytes({"cut": content[:-30], "empty": b"", "text": b"hello", "flip": bytes(content)}[damage])
    if suffix == ".npz":
        assert store.read_maps(CAM, "a.png", IMAGE) is None
    else:
        found = store.read_mask(CAM, "a.png", IMAGE)
        assert found is None or np.array_equal(found, values)


def test_masks_keep_every_value(store: ResultStore) -> None:
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    store.write_mask(CRF, "day 1/ä.jpg", IMAGE, values)
    found = store.read_mask(CRF, "day 1/ä.jpg", IMAGE)
    assert found is not None
    assert np.array_equal(found, values)


def test_folders_say_what_made_them(store: ResultStore) -> None:
    store.write_maps(CAM, "a.png", IMAGE, some_maps())
    store.write_mask(CRF, "a.png", IMAGE, np.zeros((2, 2), np.uint8))
    record = json.loads((store.folder / f"refine.dense_crf-{CRF.key}" / "provenance.json").read_text())
    assert Provenance.from_dict(record) == CRF


def test_clearing_a_stage_keeps_the_others(store: ResultStore) -> None:
    store.write_maps(CAM, "a.png", IMAGE, some_maps())
    store.write_maps(CRF, "a.png", IMAGE, some_maps())
    assert store.size_bytes() == store.size_bytes("localize.cam") + store.size_bytes("refine") > 0
    store.clear("localize")
    assert not store.has(CAM, "a.png", IMAGE)
    assert store.has(CRF, "a.png", IMAGE)
    store.clear()
    assert store.size_bytes() == 0
    store.clear()


def _write_often(folder: str, seed: int) -> None:
    for _ in range(15):
        ResultStore(Path(folder)).write_maps(CAM, "a.png", IMAGE, some_maps(seed))


def test_two_processes_may_write_the_same_result(store: ResultStore) -> None:
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_write_often, args=(str(store.folder), seed)) for seed in (1, 2)]
    for writer in writers:
        writer.start()
    whole = {as_stored(some_maps(seed)).scores.tobytes() for seed in (1, 2)}
    while any(writer.is_alive() for writer in writers):
        found = store.read_maps(CAM, "a.png", IMAGE)
        assert found is None or found.scores.tobytes() in whole
    for writer in writers:
        writer.join(30)
        assert writer.exitcode == 0
    assert store.read_maps(CAM, "a.png", IMAGE) is not None
    names = sorted(path.name for path in store.folder.rglob("*") if path.is_file())
    assert names == ["a.png.npz", "provenance.json"]


def some_features() -> TapFeatures:
    random = np.random.default_rng(0)
    taps = [random.standard_normal(shape).astype(np.float32) for shape in ((2, 6, 8), (5, 3, 4))]
    return TapFeatures.of((48, 64), taps)


def test_features_come_back_for_the_same_content_only(store: ResultStore) -> None:
    features = some_features()
    store.write_features(CAM, "sub/a.png", IMAGE, features)
    found = store.read_features(CAM, "sub/a.png", IMAGE)
    assert found is not None
    assert found.size == (48, 64)
    for name in ("planes", "lows", "steps"):
        for one, other in zip(getattr(found, name), getattr(features, name), strict=True):
            assert np.array_equal(one, other)
    assert store.read_features(CAM, "sub/a.png", "6" * 64) is None
    assert store.read_features(CRF, "sub/a.png", IMAGE) is None


def test_damaged_features_count_as_absent(store: ResultStore) -> None:
    store.write_features(CAM, "a.png", IMAGE, some_features())
    path = store.path(CAM, "a.png")
    path.write_bytes(path.read_bytes()[:-300])
    assert store.read_features(CAM, "a.png", IMAGE) is None


def test_clearing_a_stage_can_leave_one_provenance(store: ResultStore) -> None:
    newer = replace(CAM, weights="other")
    for provenance in (CAM, newer):
        store.write_features(provenance, "a.png", IMAGE, some_features())
    store.clear("localize", but=newer)
    assert store.read_features(CAM, "a.png", IMAGE) is None
    assert store.read_features(newer, "a.png", IMAGE) is not None


def test_what_a_mask_is_in_doubt_of_lies_beside_it(store: ResultStore) -> None:
    values = np.ones((5, 6), np.uint8)
    store.write_mask(CAM, "a.png", IMAGE, values, (0, 4))
    found = store.read_guarded(CAM, "a.png", IMAGE)
    assert found is not None
    np.testing.assert_array_equal(found.mask, values)
    assert found.doubtful == (0, 4)


def test_who_does_not_say_what_is_in_doubt_is_not_guarded(store: ResultStore) -> None:
    store.write_mask(CAM, "a.png", IMAGE, np.ones((5, 6), np.uint8))
    path = store.path(CAM, "a.png", ".png")
    values, text = decode_mask(path.read_bytes())
    path.write_bytes(encode_mask(values, text={IMAGE_TEXT: text[IMAGE_TEXT]}))
    assert store.read_guarded(CAM, "a.png", IMAGE) is None
    assert store.read_mask(CAM, "a.png", IMAGE) is not None


# -- where results lie ----------------------------------------------------------------------------------------


def put_as_before(store: ResultStore, image_id: str) -> tuple[Path, Path]:
    """Lay an image's maps and mask where earlier versions did."""
    store.write_maps(CAM, image_id, IMAGE, some_maps())
    store.write_mask(CAM, image_id, IMAGE, np.full((3, 4), 2, np.uint8), (1,))
    places = []
    for suffix in (".npz", ".png"):
        before = store.folder / f"{CAM.step}-{CAM.key}" / f"{image_id}{suffix}"
        before.parent.mkdir(parents=True, exist_ok=True)
        store.path(CAM, image_id, suffix).rename(before)
        places.append(before)
    return places[0], places[1]


@pytest.mark.parametrize("image_id", ["a.png", "day 1/a%2F.png", "ab/c.png"])
def test_results_of_before_are_read_and_moved(store: ResultStore, image_id: str) -> None:
    before = put_as_before(store, image_id)

    def is_whole() -> bool:
        maps, mask = store.read_maps(CAM, image_id, IMAGE), store.read_guarded(CAM, image_id, IMAGE)
        return maps is not None and maps.classes == some_maps().classes and mask is not None and mask.doubtful == (1,)

    assert is_whole()
    assert store.has(CAM, image_id, IMAGE)
    assert store.spread_out() == 2
    assert is_whole()
    assert not any(path.exists() for path in before)
    assert store.path(CAM, image_id).parent.parent.name == f"{CAM.step}-{CAM.key}"
    assert store.spread_out() == 0


def test_what_was_computed_since_counts_more_than_what_lies_as_before(store: ResultStore) -> None:
    put_as_before(store, "a.png")
    newer = np.full((3, 4), 1, np.uint8)
    store.write_mask(CAM, "a.png", IMAGE, newer)
    for _ in range(2):
        found = store.read_mask(CAM, "a.png", IMAGE)
        assert found is not None
        assert np.array_equal(found, newer)
        store.spread_out()


def test_moving_leaves_alone_what_is_no_result_of_an_image(store: ResultStore) -> None:
    folder = store.folder / "clusters-0123"
    folder.mkdir(parents=True)
    for name in ("provenance.json", "features.npz", "clusters.json"):
        (folder / name).write_bytes(b"{}")
    assert store.spread_out() == 0
    assert len(list(folder.iterdir())) == 3


def coarse_maps() -> ActivationMaps:
    planes = np.random.default_rng(0).random((3, 20, 30), np.float32)
    return ActivationMaps.of_cells(planes, (1, 4), (60, 90), np.arange(60 * 90).reshape(60, 90) % 7 == 0)


def test_maps_of_a_coarser_grid_take_its_room(store: ResultStore) -> None:
    maps = coarse_maps()
    store.write_maps(CRF, "a.png", IMAGE, maps)
    store.write_maps(CAM, "a.png", IMAGE, replace(maps))  # the same, each pixel by itself
    found = store.read_maps(CRF, "a.png", IMAGE)
    assert found is not None
    np.testing.assert_array_equal(found.cells, as_stored(maps).cells)
    assert store.path(CRF, "a.png").stat().st_size < store.path(CAM, "a.png").stat().st_size / 4


def test_a_size_that_cannot_be_reads_as_absent(store: ResultStore) -> None:
    store.write_maps(CRF, "a.png", IMAGE, coarse_maps())
    kept = arrays_of(coarse_maps()) | {"size": np.asarray((10**6, 10**6))}
    store.path(CRF, "a.png").write_bytes(packed(IMAGE, kept))
    assert store.read_maps(CRF, "a.png", IMAGE) is None


def test_cells_that_are_no_numbers_are_not_believed(store: ResultStore) -> None:
    maps = coarse_maps()
    assert maps.cells is not None
    maps.cells[0, 0, 0] = np.nan
    with pytest.raises(StepError, match="no numbers"):
        store.write_maps(CRF, "a.png", IMAGE, maps)
