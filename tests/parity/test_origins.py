"""Every published key list is recognised as what it is and as nothing else, and fits our network whole.

Only names and shapes are needed: all values are one zero that takes no memory, in the file as well.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import WeightsError
from napari_wsss.core.registry import Shelf, method_names
from napari_wsss.published import inspect_published, open_published
from napari_wsss.weights.heads import class_count, joined
from napari_wsss.weights.identify import has_tell_tales, identify
from napari_wsss.weights.neighbours import neighbour
from napari_wsss.weights.published import PUBLISHED, published
from tests.parity.recipe import fixture_path

State = dict[str, Tensor]

# Fixture -> name of its origin, shelf of its network.
ORIGINS: dict[str, tuple[str, Shelf]] = {
    "psa_cls": ("psa_cls_resnet38", "localize"),
    "psa_affinity": ("psa_affinity_resnet38", "affinity"),
    "seam": ("seam_resnet38", "localize"),
    "seam_losses": ("seam_resnet38", "localize"),
    "sccam": ("sccam_resnet38", "localize"),
    "edam_da": ("edam_resnet38", "localize"),
    "irn_cam": ("irn_cam_resnet50", "localize"),
    "irn_edge_displacement": ("irnet_resnet50", "affinity"),
    "mcis": ("mcis_vgg16", "localize"),
    "ldf": ("ldf_resnet50", "saliency"),
    "deeplab_v2": ("deeplab_v2_resnet101_msc", "segment"),
    "deeplab_v3": ("deeplab_v3_resnet50_coco", "segment"),
}
# Names that share one file: it is recognised as the first, and starts the other when that one's trunk is asked for.
SHARED = {"resnet101_imagenet": "resnet101_caffe_imagenet"}

ENVELOPES: dict[str, Callable[[State], object]] = {
    "plain": lambda state: state,
    "data-parallel": lambda state: {f"module.{key}": value for key, value in state.items()},
    "state_dict": lambda state: {"state_dict": state, "epoch": 3},
    "both": lambda state: {"state_dict": {f"module.{key}": value for key, value in state.items()}, "epoch": 3},
    "without counters": lambda state: {key: v for key, v in state.items() if not key.endswith("num_batches_tracked")},
}


def zeros(shape: tuple[int, ...]) -> Tensor:
    return torch.zeros(()).expand(shape)


def listed(name: str) -> tuple[State, int]:
    """Return a fixture's keys with zeros of the right shapes, and its foreground classes (0: none or unknown)."""
    with np.load(fixture_path(name), allow_pickle=False) as file:
        meta = json.loads(str(file["meta"]))
    keys = [*meta["keys"], *meta.get("published_only_keys", [])]
    count = int((meta.get("config") or {}).get("num_classes", 0))
    # The DeepLabs count the background; the loss of `seam_losses` has no head of its own.
    count -= name.startswith("deeplab")
    return {key: zeros(shape) for key, shape in keys}, 0 if ORIGINS[name][1] in ("affinity", "saliency") else count


def for_classes(state: State, name: str, classes: int) -> State:
    """Return a key list as it would be for another number of classes."""
    descriptor = published(name)
    before = class_count(joined(state, descriptor), descriptor)
    resized = {}
    for key, value in state.items():
        number = re.match(r"^\w+\.(\d+)\.", key)
        if number and key.partition(".")[0] in descriptor.per_class:
            if int(number[1]) < classes:
                resized[key] = value
        elif descriptor.is_head(key):
            extra = descriptor.layout_of(key).startswith("background")
            rows = (len(value) - extra) // before
            resized[key] = zeros((classes * rows + extra, *value.shape[1:]))
        else:
            resized[key] = value
    return resized


@pytest.mark.parametrize("name", ORIGINS)
def test_each_is_recognised_as_itself_and_as_nothing_else(name: str) -> None:
    state, classes = listed(name)
    descriptor = identify(state)

    assert descriptor is not None
    assert descriptor.name == ORIGINS[name][0]
    assert [entry.name for entry in PUBLISHED if has_tell_tales(state, entry)] == [descriptor.name]
    assert neighbour(state) == ""
    assert class_count(joined(state, descriptor), descriptor) == classes


@pytest.mark.parametrize(
    ("envelope", "name"),
    [
        pytest.param(envelope, name, marks=() if envelope == "both" or name == "irn_cam" else pytest.mark.slow)
        for envelope in ENVELOPES
        for name in ORIGINS
    ],
)
def test_every_envelope_fits_our_network_whole(tmp_path: Path, name: str, envelope: str) -> None:
    origin, shelf = ORIGINS[name]
    if published(origin).network not in method_names(shelf):
        pytest.skip(f"{published(origin).network} is not there")
    state, classes = listed(name)
    torch.save(ENVELOPES[envelope](state), tmp_path / "file")
    found = inspect_published(tmp_path / "file")

    assert (found.descriptor.name, found.shelf, found.class_count) == (origin, shelf, classes)
    assert found.problem is None
    assert found.report.missing == ()
    # What is left over is no loss: other names of the same tensors, auxiliary heads, what training needs.
    assert len(found.report.loaded) + len(found.report.unexpected) + len(found.report.skipped_head) >= len(
        joined(ENVELOPES["without counters"](state), found.descriptor)  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("name", [name for name, (_, shelf) in ORIGINS.items() if shelf in ("localize", "segment")])
@pytest.mark.parametrize("classes", [1, *(pytest.param(count, marks=pytest.mark.slow) for count in (7, 80))])
def test_any_number_of_classes_is_the_same_origin(tmp_path: Path, name: str, classes: int) -> None:
    origin, shelf = ORIGINS[name]
    if published(origin).network not in method_names(shelf):
        pytest.skip(f"{published(origin).network} is not there")
    state, most = listed(name)
    if published(origin).per_class and classes > most:
        pytest.skip(f"one transformer per class: the list holds those of {most} classes")
    state = for_classes(state, origin, classes)
    torch.save(state, tmp_path / "file")
    found = inspect_published(tmp_path / "file")

    assert (found.descriptor.name, found.class_count, found.class_names) == (origin, classes, ())
    assert found.problem is None


def test_deeplab_v2_without_its_scales_and_what_it_started_from(tmp_path: Path) -> None:
    plain = {key.removeprefix("base."): value for key, value in listed("deeplab_v2")[0].items()}
    start = {key: value for key, value in plain.items() if not key.startswith("aspp.")}
    start |= {"fc.weight": zeros((91, 2048)), "fc.bias": zeros((91,))}
    for name, state, whole in (("deeplab_v2_resnet101", plain, True), ("deeplab_v2_resnet101_coco_init", start, False)):
        torch.save(state, tmp_path / name)
        found = inspect_published(tmp_path / name)
        assert (found.descriptor.name, found.is_whole, found.problem) == (name, whole, None)
        assert [entry.name for entry in PUBLISHED if has_tell_tales(state, entry)] == [name]
    with pytest.raises(WeightsError, match="a start for a training"):
        open_published(tmp_path / "deeplab_v2_resnet101_coco_init", ClassList(["any"]))


def test_no_two_origins_share_their_tell_tales() -> None:
    """Made-up states that hold exactly what tells each origin: recognised as that one."""
    for entry in PUBLISHED:
        if entry.tell_tale.fingerprint != ("", ""):
            continue
        state = {key: zeros(tuple(side or 8 for side in shape)) for key, shape in entry.tell_tale.shapes}
        fitting = [other.name for other in PUBLISHED if has_tell_tales(state, other)]
        shared = [*SHARED, *SHARED.values()]
        assert fitting == [entry.name] or set(fitting) <= set(shared), f"{entry.name} is also {fitting}"


def test_one_file_can_start_two_trunks() -> None:
    for first, second in SHARED.items():
        state = {key: zeros(tuple(side or 8 for side in shape)) for key, shape in published(first).tell_tale.shapes}
        assert identify(state) is published(first)
        assert identify(state, trunk=published(second).trunk) is published(second)
