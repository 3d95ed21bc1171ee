"""What a training run is told: parameter classes shared by command line, form and `run.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from napari_wsss.core.parameters import parameter, to_dict
from napari_wsss.core.registry import load_method
from napari_wsss.core.trunk_choice import (
    OTHER_TRUNKS,
    OUTPUT_STRIDES,
    PIXEL_SUPERVISED,
    PUBLISHED,
    SCRATCH,
    TRUNKS,
    TrunkChoice,
)
from napari_wsss.pipeline.lineage import ModelShelf
from napari_wsss.pixels.working_size import side_in_training
from napari_wsss.processes.stage_list import Recipe
from training.augment import Augmentation
from training.published_presets import preset_names
from training.sources import (
    AffinitySources,
    BoundarySources,
    ClassifierSources,
    HypercolumnSources,
    MaskSources,
    PixelClassifierSources,
    RecipeSources,
    SaliencySources,
)

RECIPES: dict[Recipe, tuple[ModelShelf, str]] = {
    "classifier": ("localize", "cam"),
    "segmentation": ("segment", "deeplab_v3"),
    "affinity": ("affinity", "affinity_net"),
    "boundary": ("affinity", "boundary_net"),
    "saliency": ("saliency", "ldf"),
}
"""Recipe name -> shelf of its methods and the default method."""


@dataclass(frozen=True)
class Network:
    """The trunk and where its weights come from."""

    trunk: str = parameter(
        "mobilenet_v2",
        "Encoder (trunk)",
        f"Feature extractor; mobilenet_v2 is fast on a CPU. Also {OTHER_TRUNKS}.",
        choices=TRUNKS,
        others=OTHER_TRUNKS,
    )
    output_stride: int = parameter(
        16,
        "Output stride",
        "Image pixels per feature; 8 is finer and about three times slower.",
        choices=OUTPUT_STRIDES,
    )
    width: float = parameter(
        1.0, "Width", "Factor on all channel counts; pretrained weights need 1.", bounds=(0.01, 4.0), advanced=True
    )
    trunk_weights: str = parameter(
        PUBLISHED,
        "Encoder weights (trunk)",
        "'imagenet' downloads the published weights, 'none' starts from random ones, anything else is a weights "
        f"file or the name of published weights. {PIXEL_SUPERVISED}",
    )
    dilated: bool = parameter(
        True,
        "Dilation",
        "Stages that give up their stride see as far as before; IRN's ResNet-50 does without (ResNet only).",
        advanced=True,
    )

    def choice(self) -> TrunkChoice:
        """Return the trunk to build; its `weights` are a published name, a file, or empty."""
        named = {PUBLISHED: f"{self.trunk}_imagenet", SCRATCH: ""}
        weights = named.get(self.trunk_weights, self.trunk_weights)
        return TrunkChoice(self.trunk, self.output_stride, self.width, weights, self.dilated)


@dataclass(frozen=True)
class Optimisation:
    """How it is trained."""

    preset: str = parameter(
        "auto",
        "Preset",
        "'pretrained' fine-tunes a trained trunk, 'scratch' suits random weights and small generated pictures, "
        "'reference' follows the method's public code, 'paper' its paper (in psa, SEAM, SC-CAM and irn the code's "
        "momentum is 0.0005, the papers' 0.9); 'voc12/...' is the whole published run on PASCAL VOC 2012; 'auto' "
        "chooses by the trunk's weights.",
        choices=("auto", "pretrained", "scratch", "reference", "paper", *preset_names()),
    )
    epochs: int = parameter(5, "Epochs", "Passes over the training images.", bounds=(1, 10000))
    iterations: int = parameter(
        0, "Iterations", "Number of steps; 0 lets the epochs decide.", bounds=(0, 10_000_000), advanced=True
    )
    batch_size: int = parameter(
        16, "Batch size", "Images per step (cells, of a pixel classifier); 1 works.", bounds=(1, 65536)
    )
    optimiser: str = parameter(
        "sgd",
        "Optimiser",
        "'sgd' with momentum, as the papers use it; 'adamw' learns faster from random weights.",
        choices=("sgd", "adamw"),
        advanced=True,
    )
    learning_rate: float = parameter(0.01, "Learning rate", "Initial rate of the trunk.", bounds=(0.0, 10.0))
    head_rate: float = parameter(
        10.0, "Head rate", "Factor on the learning rate for new layers.", bounds=(0.0, 1000.0), advanced=True
    )
    rate_classes: int = parameter(
        0,
        "Rate for classes",
        "Number of classes the learning rate is meant for. The classifiers' losses are means over the classes, so with "
        "fewer classes each gets larger steps: the rate is reduced in proportion. 0 never changes it.",
        bounds=(0, 10000),
        advanced=True,
    )
    momentum: float = parameter(0.9, "Momentum", "Of sgd.", bounds=(0.0, 0.999), advanced=True)
    nesterov: bool = parameter(
        False, "Nesterov", "Nesterov's form of sgd's momentum, as MCIS and LDF train with it.", advanced=True
    )
    weight_decay: float = parameter(
        1e-4, "Weight decay", "L2 penalty on weights with more than one axis.", bounds=(0.0, 1.0), advanced=True
    )
    poly_power: float = parameter(
        0.9, "Poly power", "Exponent of the falling learning rate; 0 keeps it constant.", bounds=(0, 10), advanced=True
    )
    clip_gradient: float = parameter(
        10_000.0,
        "Gradient clipping",
        "Largest norm of all weights' gradient; a larger one is scaled down, so that no single step undoes a training. "
        "Trainings that were measured stay below 200 and are left alone; 0 never clips.",
        bounds=(0.0, 1e9),
        advanced=True,
    )
    parts: int = parameter(
        1,
        "Parts of a batch",
        "A batch goes through the network in so many parts one after the other, whose gradients are added before the "
        "step: large batches in little memory. Means over a batch become those over its parts.",
        bounds=(1, 4096),
        advanced=True,
    )
    average_decay: float = parameter(
        0.0,
        "Weight average",
        "Share of the mean of the weights that stays after a step (0.999 ...); the mean is validated and saved beside "
        "the weights. 0 keeps none.",
        bounds=(0.0, 0.99999),
        advanced=True,
        decimals=5,
    )
    warm_up: int = parameter(0, "Warm-up", "Steps over which the rate rises.", bounds=(0, 1_000_000), advanced=True)
    freeze_stages: int = parameter(
        2, "Frozen stages", "First trunk stages that do not learn; more is faster.", bounds=(0, 10), advanced=True
    )
    freeze_batch_norm: bool = parameter(
        True, "Freeze batch norm", "Keep the trunk's batch norm as trained; right for small batches.", advanced=True
    )
    seed: int = parameter(0, "Seed", "Order of images, augmentation, new layers.", bounds=(0, 2**31 - 1))


@dataclass(frozen=True)
class Hardware:
    """Where it runs; without influence on what is learned."""

    device: str = parameter("auto", "Device", "auto, cpu, cuda, cuda:1, mps ...")
    processes: int = parameter(
        1,
        "GPUs of this machine",
        "How many share every batch, 0 for all; the network learns what one alone would teach it. On a CPU, processes.",
        bounds=(0, 1024),
    )
    precision: str = parameter(
        "auto",
        "Precision",
        "'auto' uses bfloat16 on CUDA, float16 where a GPU only emulates that, and bfloat16 on a CPU that "
        "multiplies tiles of it (AMX).",
        choices=("auto", "float32", "bfloat16", "float16"),
        advanced=True,
    )
    compile: bool = parameter(
        False,
        "Compile",
        "Compile the network by torch.compile, which takes minutes at first; where that fails it is said, and the "
        "network runs as it is.",
        advanced=True,
    )
    threads: int = parameter(0, "Threads", "CPU threads; 0 leaves one core free.", bounds=(0, 1024), advanced=True)
    loaders: int = parameter(
        -1,
        "Loaders",
        "Threads that prepare batches ahead; 0 prepares in place, -1 (auto) takes more of them as long as the training "
        "has to wait for batches.",
        bounds=(-1, 64),
        advanced=True,
        auto=-1,
    )
    cache: float = parameter(
        0.0,
        "Picture cache",
        "Gigabytes of decoded pictures kept in memory; 0 takes at most half of what is free, and 4 at least where so "
        "much is free.",
        bounds=(0.0, 10_000.0),
        advanced=True,
    )


SOURCES: dict[str, type[Any]] = {
    "classifier": ClassifierSources,
    "segmentation": MaskSources,
    "pixel_classifier": PixelClassifierSources,
    "hypercolumns": HypercolumnSources,
    "affinity": AffinitySources,
    "boundary": BoundarySources,
    "saliency": SaliencySources,
}
"""Recipe, or module of `training.recipes` where that learns from something else -> what it learns from."""

SMALL_NETWORK = {"trunk": "resnet18", "width": 0.25, "output_stride": 8}
FROM_SCRATCH = {
    "optimiser": "adamw",
    "learning_rate": 0.002,
    "head_rate": 1.0,
    "weight_decay": 0.01,
    "freeze_stages": 0,
    "freeze_batch_norm": False,
    "warm_up": 20,
}
"""Measured on the generated sample: pointing at all classes after two CPU minutes. MobileNetV2 learns far slower."""

SMALL_FROM_SCRATCH: dict[str, dict[str, Any]] = {
    "network": SMALL_NETWORK,
    "optimisation": {**FROM_SCRATCH, "epochs": 20, "batch_size": 8},
    "augmentation": {"crop": 160, "scale_low": 0.8, "scale_high": 1.2, "scale_of": "image", "colour": 0.15},
}

DEEPLAB_V2: dict[str, dict[str, Any]] = {
    "optimisation": {"epochs": 20, "batch_size": 8, "learning_rate": 2.5e-4, "weight_decay": 5e-4},
    "augmentation": {"crop": 321, "scale_low": 0.5, "scale_high": 1.5, "scale_of": "image"},
}

PRESETS: dict[Recipe, dict[str, dict[str, dict[str, Any]]]] = {
    "classifier": {
        # The rate was measured with 20 classes; at 3 it destroys the trunk within 20 steps.
        "pretrained": {"optimisation": {"rate_classes": 20}},
        "scratch": {
            "network": SMALL_NETWORK,
            "optimisation": {**FROM_SCRATCH, "epochs": 40},
            "augmentation": {"crop": 160, "scale_low": 0.8, "scale_high": 1.2, "colour": 0.15},
        },
        "reference": {},
        "paper": {},
    },
    "segmentation": {
        "pretrained": {
            "optimisation": {
                # With sgd at 0.01 the trunk's features collapse under the gradient of the fresh pyramid.
                "optimiser": "adamw",
                "learning_rate": 0.0001,
                "weight_decay": 0.01,
                "epochs": 20,
                "batch_size": 8,
                "warm_up": 20,
            },
            "augmentation": {"crop": 257, "scale_low": 0.6, "scale_high": 1.6, "scale_of": "image"},
        },
        "scratch": {
            "network": SMALL_NETWORK,
            "optimisation": {**FROM_SCRATCH, "epochs": 30, "batch_size": 8},
            "augmentation": {"crop": 160, "scale_low": 0.8, "scale_high": 1.2, "scale_of": "image", "colour": 0.15},
        },
        "reference": DEEPLAB_V2,
        "paper": DEEPLAB_V2,
    },
    "affinity": {"pretrained": {}, "scratch": SMALL_FROM_SCRATCH, "reference": {}, "paper": {}},
    "boundary": {"pretrained": {}, "scratch": SMALL_FROM_SCRATCH, "reference": {}, "paper": {}},
    "saliency": {"pretrained": {}, "scratch": SMALL_FROM_SCRATCH, "reference": {}, "paper": {}},
}
"""Preset values of every method of a recipe; a method's own `presets` are laid over them."""


@dataclass(frozen=True)
class RunConfig:
    """Everything a training run is told; `to_dict` is the ``config`` of `run.json`.

    Parameters
    ----------
    recipe : str
        One of `RECIPES`.
    method : str
        Method of the recipe's shelf.
    parameters : mapping
        The method's own parameters that differ from its defaults (plain JSON types).
    network, optimisation, augmentation, sources, hardware
        The sections; every field is an option of the command line.
    """

    recipe: Recipe
    method: str
    sources: RecipeSources
    parameters: Mapping[str, Any] = field(default_factory=dict)
    network: Network = field(default_factory=Network)
    optimisation: Optimisation = field(default_factory=Optimisation)
    augmentation: Augmentation = field(default_factory=Augmentation)
    hardware: Hardware = field(default_factory=Hardware)

    def rated_for(self, class_count: int) -> RunConfig:
        """Return the configuration with the learning rate that so many classes want (`rate_classes`)."""
        chosen = self.optimisation
        # The steps of AdamW do not depend on how large the gradient is.
        if class_count >= chosen.rate_classes or chosen.optimiser != "sgd":
            return self
        rate = chosen.learning_rate * class_count / chosen.rate_classes
        return replace(self, optimisation=replace(chosen, learning_rate=rate, rate_classes=0))

    def trained_side(self) -> int:
        """Return the longer side at which a localizer sees pictures in training; 0 where pictures keep their size."""
        return side_in_training(self.flat())

    def flat(self) -> dict[str, Any]:
        """Return every option by its name alone."""
        sections = [to_dict(getattr(self, name)) for name in sections_of(self.recipe, self.method)]
        return {name: value for options in (*sections, self.parameters) for name, value in options.items()}

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        sections = {name: to_dict(getattr(self, name)) for name in sections_of(self.recipe, self.method)}
        return {"method": self.method, "parameters": dict(self.parameters), **sections}

    def decisive(self) -> dict[str, Any]:
        """Return `to_dict` without what has no influence on the result (device, threads)."""
        return {name: value for name, value in self.to_dict().items() if name != "hardware"}

    def remembered(self) -> dict[str, Any]:
        """Return what a trained model keeps of how it came about."""
        return {"recipe": self.recipe, "config": self.decisive()}


def module_of(recipe: Recipe, method: str) -> str:
    """Return the module of `training.recipes` that trains a method."""
    return str(getattr(load_method(RECIPES[recipe][0], method), "recipe", recipe))


def sections_of(recipe: Recipe, method: str) -> dict[str, type[Any]]:
    """Return the option sections of a recipe by name, in the order of help and files."""
    return {
        "network": Network,
        "optimisation": Optimisation,
        "augmentation": Augmentation,
        "sources": SOURCES.get(module_of(recipe, method), SOURCES[recipe]),
        "hardware": Hardware,
    }
