"""Fitting foreign weights: everything loaded or a message that lists what is left over."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from napari_wsss.core.errors import WeightsError
from napari_wsss.networks.deeplab_v3 import DeepLabV3
from napari_wsss.networks.trunk import OwnWeights, Trunk, build_trunk
from napari_wsss.weights import download
from napari_wsss.weights import fit as fit_module
from napari_wsss.weights.checkpoint import save_checkpoint
from napari_wsss.weights.descriptor import WeightsDescriptor
from napari_wsss.weights.fit import fit, load_trunk_weights
from napari_wsss.weights.normalisation import CAFFE, IMAGENET, TENSORFLOW, Normalisation
from napari_wsss.weights.published import published
from napari_wsss.weights.read import read
from tests.weights.states import deeplab_state, imagenet_state, mxnet_names, resnet38_state
from tests.weights.test_mxnet_params import params

TWO_LAYERS = WeightsDescriptor(
    "toy",
    "Toy",
    "toy",
    class_layout="background_first",
    head=r"^out\.",
    rename=((r"^base\.", "0."), (r"^out\.", "1.")),
    ignorable=(r"^unused\.",),
)


def _toy() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 5))


def _toy_state(classes: int = 5) -> dict[str, torch.Tensor]:
    return {
        "base.weight": torch.randn(4, 3),
        "base.bias": torch.randn(4),
        "out.weight": torch.randn(classes, 4),
        "out.bias": torch.randn(classes),
    }


def _values(network: nn.Module) -> list[torch.Tensor]:
    return [value.clone() for value in network.state_dict().values()]


def test_everything_is_renamed_and_loaded() -> None:
    network, state = _toy(), _toy_state()
    report = fit(network, state | {"unused.weight": torch.zeros(1)}, TWO_LAYERS)

    assert report.loaded == ("0.weight", "0.bias", "1.weight", "1.bias")
    assert report.unexpected == ("unused.weight",)
    assert (report.missing, report.skipped_head) == ((), ())
    assert all(torch.equal(a, b) for a, b in zip(_values(network), state.values(), strict=True))


def test_background_last_becomes_background_first() -> None:
    network, state = _toy(), _toy_state()
    fit(network, state, replace(TWO_LAYERS, class_layout="background_last"))

    assert torch.equal(network[1].bias[0], state["out.bias"][-1])
    assert torch.equal(network[1].weight[1:], state["out.weight"][:-1])
    assert torch.equal(network[0].bias, state["base.bias"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stray.weight": torch.zeros(1)}, r"does not have: stray\.weight"),
        ({"base.bias": torch.zeros(7)}, r"sizes that do not fit: base\.bias \(7,\) for 0\.bias \(4,\)"),
        ({"base.bias": None}, r"no values for: 0\.bias"),
        ({"out.bias": None, "out.weight": None}, r"no values for: 1\.weight, 1\.bias"),
        ({"out.bias": torch.zeros(21), "out.weight": torch.zeros(21, 4)}, "for 20 classes"),
    ],
)
def test_leftovers_are_listed_and_the_network_is_unchanged(
    change: dict[str, torch.Tensor | None], message: str
) -> None:
    network = _toy()
    before = _values(network)
    state = {key: value for key, value in (_toy_state() | change).items() if value is not None}

    with pytest.raises(WeightsError, match=message):
        fit(network, state, TWO_LAYERS)
    assert all(torch.equal(a, b) for a, b in zip(_values(network), before, strict=True))


def test_another_class_count_keeps_the_fresh_head_on_request() -> None:
    network, state = _toy(), _toy_state(9)
    head = network[1].weight.detach().clone()
    report = fit(network, state, TWO_LAYERS, allow_head_mismatch=True)

    assert report.skipped_head == ("out.weight", "out.bias")
    assert report.missing == ("1.weight", "1.bias")
    assert torch.equal(network[1].weight, head)
    assert torch.equal(network[0].weight, state["base.weight"])


def test_old_files_without_batch_counters_fit() -> None:
    state = {key: value for key, value in imagenet_state("resnet18").items() if "num_batches" not in key}
    report = fit(build_trunk("resnet18"), state)

    assert report.missing == ()
    assert len(report.loaded) == 100


def test_what_a_file_may_lack_is_reported() -> None:
    network, state = _toy(), _toy_state()
    del state["base.bias"]
    report = fit(network, state, replace(TWO_LAYERS, optional=(r"^0\.bias$",)))

    assert report.missing == ("0.bias",)


def test_a_list_per_class_is_joined() -> None:
    network, state = _toy(), _toy_state()
    rows = {f"rows.{k}.weight": state["out.weight"][k][None, :, None] for k in range(5)}
    rules = (*TWO_LAYERS.rename, (r"^rows\.\*\.weight$", "1.weight"))
    del state["out.weight"]
    fit(network, state | rows, replace(TWO_LAYERS, rename=rules, per_class=("rows",), head=r"^(out|rows)\."))

    assert all(torch.equal(network[1].weight[k], rows[f"rows.{k}.weight"].flatten()) for k in range(5))


def test_the_imagenet_file_of_mxnet_is_taken_as_it_is(tmp_path: Path) -> None:
    state = resnet38_state(16)
    content = params({f"arg:{key}": value.numpy() for key, value in mxnet_names(state).items()}, "legacy")
    (tmp_path / "a.params").write_bytes(content)
    trunk = build_trunk("resnet38", width=1 / 16)

    assert load_trunk_weights(trunk, tmp_path / "a.params") is published("resnet38_imagenet")
    assert torch.equal(trunk.get_parameter("stage7.0.conv3.weight"), state["b7.conv_branch2b2.weight"])


def test_the_trunk_of_a_published_localizer_is_taken(tmp_path: Path) -> None:
    state = resnet38_state(16, {"fc8.weight": (7, 256, 1, 1)})
    torch.save({f"module.{key}": value for key, value in state.items()}, tmp_path / "a.pth")
    trunk = build_trunk("resnet38", width=1 / 16)

    assert load_trunk_weights(trunk, tmp_path / "a.pth") is published("psa_cls_resnet38")
    assert torch.equal(trunk.get_parameter("stem.weight"), state["conv1a.weight"])


def test_the_trunk_of_a_network_trained_on_masks_is_refused(tmp_path: Path) -> None:
    state = {key: torch.zeros(()).expand(value.shape) for key, value in deeplab_state(3).items()}
    torch.save(state, tmp_path / "a.pth")
    with torch.device("meta"):
        trunk = build_trunk("resnet50")

    with pytest.raises(WeightsError, match=r"trained on pixel masks.* Choose weights for resnet50: resnet50_imagenet"):
        load_trunk_weights(trunk, tmp_path / "a.pth")


def test_unknown_origin_offers_the_published_names() -> None:
    with pytest.raises(WeightsError, match="no known origin") as caught:
        fit(_toy(), {"x": torch.zeros(1)})
    assert "resnet50_imagenet" in caught.value.candidates


@pytest.mark.parametrize(("ours", "theirs"), [(True, True), (False, True), (False, False)])
def test_deeplab_of_torchvision_fits_with_and_without_auxiliary_head(ours: bool, theirs: bool) -> None:
    with torch.device("meta"):
        network = DeepLabV3(build_trunk("resnet50", output_stride=8), 6, aux=ours)
    report = fit(network, deeplab_state(6, aux=theirs))

    assert len(report.loaded) == len(network.state_dict())
    assert all(key.startswith("aux_classifier.") for key in report.unexpected + report.skipped_head)


def test_deeplab_for_other_classes_says_how_many() -> None:
    with torch.device("meta"):
        network = DeepLabV3(build_trunk("resnet50", output_stride=8), 6, aux=True)

    with pytest.raises(WeightsError, match="for 20 classes"):
        fit(network, deeplab_state(21))
    report = fit(network, deeplab_state(21), allow_head_mismatch=True)
    assert set(report.missing) == {
        "classifier.weight",
        "classifier.bias",
        "aux_classifier.weight",
        "aux_classifier.bias",
    }


def test_a_local_file_is_recognised_by_its_content(tmp_path: Path) -> None:
    state = imagenet_state("resnet18")
    torch.save(state, tmp_path / "mobilenet_v2.pth")  # a misleading name
    trunk = build_trunk("resnet18")
    descriptor = load_trunk_weights(trunk, tmp_path / "mobilenet_v2.pth")

    assert descriptor is published("resnet18_imagenet")
    assert descriptor.normalisation == IMAGENET
    assert torch.equal(trunk.get_parameter("conv1.weight"), state["conv1.weight"])


def test_weights_of_another_trunk_offer_what_fits(tmp_path: Path) -> None:
    torch.save(imagenet_state("resnet18"), tmp_path / "a.pth")

    with pytest.raises(WeightsError, match="trunk is resnet50") as caught:
        load_trunk_weights(build_trunk("resnet50", width=1 / 16), tmp_path / "a.pth")
    assert caught.value.candidates == ("resnet50_imagenet",)


def test_a_narrower_trunk_is_refused(tmp_path: Path) -> None:
    torch.save(imagenet_state("resnet18"), tmp_path / "a.pth")

    with pytest.raises(WeightsError, match="sizes that do not fit"):
        load_trunk_weights(build_trunk("resnet18", width=0.5), tmp_path / "a.pth")


def test_a_published_name_is_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = imagenet_state("resnet18")
    torch.save(state, tmp_path / "net.pth")
    entry = published("resnet18_imagenet")
    local = replace(entry, url=(tmp_path / "net.pth").as_uri(), sha256=download.sha256_of(tmp_path / "net.pth"))
    monkeypatch.setenv("WSSS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(fit_module, "published", lambda name: local)
    trunk = build_trunk("resnet18")

    assert load_trunk_weights(trunk, "resnet18_imagenet") is local
    assert torch.equal(trunk.get_parameter("conv1.weight"), state["conv1.weight"])


@pytest.mark.parametrize("prefix", ["trunk.", "network.trunk."])
def test_the_trunk_of_our_own_checkpoint_brings_its_normalisation(tmp_path: Path, prefix: str) -> None:
    trained = build_trunk("mobilenet_v2", width=1 / 16)
    state = {prefix + key: value for key, value in trained.state_dict().items()} | {"head.weight": torch.zeros(2)}
    save_checkpoint(tmp_path / "a.safetensors", state, {"normalisation": TENSORFLOW.to_dict()})
    trunk = build_trunk("mobilenet_v2", output_stride=8, width=1 / 16)
    descriptor = load_trunk_weights(trunk, tmp_path / "a.safetensors")

    assert descriptor.normalisation == TENSORFLOW
    assert all(torch.equal(a, b) for a, b in zip(_values(trunk), _values(trained), strict=True))
    with pytest.raises(WeightsError, match="no resnet18 trunk"):
        load_trunk_weights(build_trunk("resnet18", width=1 / 16), tmp_path / "a.safetensors")


def test_a_checkpoint_without_normalisation_is_refused(tmp_path: Path) -> None:
    state = {f"trunk.{key}": value for key, value in build_trunk("resnet18", width=1 / 16).state_dict().items()}
    save_checkpoint(tmp_path / "a.safetensors", state, {"other": CAFFE.to_dict()})

    with pytest.raises(WeightsError, match="normalisation"):
        load_trunk_weights(build_trunk("resnet18", width=1 / 16), tmp_path / "a.safetensors")


def test_the_alphabetical_order_of_safetensors_does_not_matter(tmp_path: Path) -> None:
    state = imagenet_state("mobilenet_v2")
    save_file(dict(reversed(state.items())), tmp_path / "a.safetensors")

    assert load_trunk_weights(build_trunk("mobilenet_v2"), tmp_path / "a.safetensors").name == "mobilenet_v2_imagenet"


def of_another_library() -> Trunk:
    """Return a trunk that says what files of its own library are like."""
    trunk = build_trunk("resnet18", width=1 / 16)
    trunk.name = "theirs"
    trunk.own_weights = OwnWeights((0.5,) * 3, (0.25,) * 3, "layer1.", head=("fc",), unused=("1.bn2.weight",))
    return trunk


def test_files_in_the_names_of_a_trunks_own_library_fit(tmp_path: Path) -> None:
    trunk = of_another_library()
    state = {key.removeprefix("layer1."): torch.ones_like(value) for key, value in trunk.state_dict().items()}
    inside = {key: value for key, value in state.items() if key[0] in "01" and key != "1.bn2.weight"}
    trunk_part = nn.ModuleDict({"layer1": trunk.get_submodule("layer1")})
    trunk_part.name, trunk_part.own_weights = trunk.name, trunk.own_weights  # type: ignore[assignment]
    save_file({**inside, "fc.weight": torch.ones(3, 4)}, tmp_path / "a.safetensors")

    found = load_trunk_weights(trunk_part, tmp_path / "a.safetensors")

    assert found.normalisation == Normalisation((0.5,) * 3, (0.25,) * 3)
    assert all(bool((value == 1).all()) for key, value in trunk_part.state_dict().items() if "bn2.weight" not in key)


def test_a_library_without_a_hub_says_that_nothing_is_published() -> None:
    with pytest.raises(WeightsError, match="cannot be fetched"):
        load_trunk_weights(of_another_library(), "theirs_imagenet")


@pytest.mark.real
def test_the_real_mobilenet_loads_and_tells_cats_from_dogs(weights_folder: Path, data_folder: Path) -> None:
    path = weights_folder / "mobilenet_v2_imagenet_fp16.safetensors"
    trunk = build_trunk("mobilenet_v2", output_stride=32).eval()
    descriptor = load_trunk_weights(trunk, path)
    state, _ = read(path)
    classifier = nn.Linear(1280, 1000)
    classifier.load_state_dict({part: state[f"classifier.1.{part}"] for part in ("weight", "bias")})
    assert descriptor.name == "mobilenet_v2_coral"

    names = [line.split(" ", 1)[0] for line in (weights_folder / "imagenet_classes.txt").read_text().splitlines()]
    dogs, cats = slice(names.index("n02085620"), names.index("n02113978") + 1), slice(281, 286)
    right = []
    for file, label in _pictures(data_folder / "voc_wsss_small", {"cat", "dog"}, 10):
        pixels = np.asarray(Image.open(file).convert("RGB").resize((321, 321), Image.Resampling.BICUBIC))
        with torch.inference_mode():
            features = trunk(torch.from_numpy(descriptor.normalisation.apply(pixels))[None])
            logits = classifier(features.mean((2, 3)))[0]
        right.append(bool(logits[cats].max() > logits[dogs].max()) == (label == "cat"))

    assert len(right) == 20
    assert np.mean(right) >= 0.9


def _pictures(folder: Path, labels: set[str], count: int) -> list[tuple[Path, str]]:
    with (folder / "labels.csv").open() as file:
        rows = [(row["image"], row["labels"]) for row in csv.DictReader(file) if row["labels"] in labels]
    chosen = [(image, label) for wanted in sorted(labels) for image, label in rows if label == wanted]
    per_label = {label: [image for image, found in chosen if found == label][:count] for label in labels}
    return [(folder / f"JPEGImages/{image}.jpg", label) for label, images in per_label.items() for image in images]
