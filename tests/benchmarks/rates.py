"""Images per second of what takes long, beside what its parts alone would do; printed as a table of Markdown.

    python -m tests.benchmarks.rates --device cuda

makes a project of generated photographs, trains and applies networks of random weights on it, and takes each rate from
the progress that the stages themselves report. Beside each stands what decoding alone does (reading and augmenting, by
the same threads), and the network alone (the same passes of data that lies on the device); the shares are those of the
slower of both, 1 where nothing is lost. `--clock cpu` counts this process's time instead of the clock's: for
trainings on a CPU that others use, too; what workers do is never in it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, redirect_stdout
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from napari_wsss.core.inference import Inference
from napari_wsss.core.progress import Progress, finish
from napari_wsss.localize.base import Localizer, LocalizerBatch
from napari_wsss.pipeline.over_images import Outcome, over_images
from napari_wsss.pipeline.run import base_maps
from napari_wsss.pixels.resizing import resize
from napari_wsss.project.project import Project
from napari_wsss.refine.dense_crf import DenseCrf
from napari_wsss.refine.power_background import PowerBackground
from napari_wsss.sample.project import generate_sample
from napari_wsss.segment.base import Segmenter, SegmenterBatch
from tests.benchmarks.heard import Heard
from training.config import RunConfig
from training.data.pictures import Pictures, SegmentationData, prefetched, training_records, view_of
from training.hardware import prepare
from training.loop.learner import Learner, freeze, total_steps
from training.recipes.classifier import classifier_data
from training.resolving import resolve_file
from training.run import main as run_stage
from training.stages.voc_folder import project_of
from training.workers import cores

METHODS = {"cam", "seam", "edam", "co_attention"}
PARTS = ("reference", "cam maps", "sharded", "crf", "crf at once", "walk", "deeplab", *sorted(METHODS))
CLASSES = 4
CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.process_time}


@dataclass(frozen=True)
class Sizes:
    """How much is measured.

    Parameters
    ----------
    images, size : int
        Photographs, and their side in pixels.
    steps : int
        Of each training.
    batch, crop : int
        Images of a batch, and the side of what is seen of each.
    trunk : str
    width : float
        Of the trunk, 1 is its published one.
    """

    images: int = 200
    size: int = 480
    steps: int = 60
    batch: int = 16
    crop: int = 448
    trunk: str = "resnet50"
    width: float = 1.0

    @property
    def warm(self) -> int:
        """Steps or images before anything is counted."""
        return max(1, self.steps // 6)


@dataclass(frozen=True)
class Rate:
    """Images per second of one thing, and of its parts alone (None where they were not measured)."""

    name: str
    whole: float
    decode: float | None = None
    network: float | None = None

    def row(self) -> str:
        """Return a row of the table."""
        known = [one for one in (self.decode, self.network) if one]
        share = f"{self.whole / min(known):.2f}" if known else ""
        figures = ["" if one is None else f"{one:.3g}" for one in (self.whole, self.decode, self.network)]
        return f"| {' | '.join([self.name, *figures, share])} |"


HEAD = "| images/s | whole | decoding alone | network alone | share of the slower |\n|---|---|---|---|---|"


@dataclass(frozen=True)
class Bench:
    """A project of generated photographs, and what measures on it."""

    folder: Path
    sizes: Sizes
    device: str
    clock_name: str = "wall"
    said: Callable[[str], object] = field(default=lambda _: None)

    @property
    def clock(self) -> Callable[[], float]:
        """Returns seconds."""
        return CLOCKS[self.clock_name]

    @classmethod
    def made(cls, folder: Path, sizes: Sizes, device: str, clock: str, said: Callable[[str], object]) -> Bench:
        """Return a bench in an empty folder."""
        generate_sample(folder / "data", images=sizes.images, size=sizes.size)
        project_of(folder / "data", folder / "project").close()
        return cls(folder / "project", sizes, device, clock, said)

    def rates(self, parts: Iterable[str]) -> Iterator[Rate]:
        """Yield the rates of `PARTS`; a classifier is trained first where they need one."""
        parts = list(parts)
        if not set(parts) <= METHODS:
            self.trained("classifier", "--apply")
        for part in parts:
            if part in METHODS:
                yield self.training(part)
            elif part == "deeplab":
                yield self.segmentation()
            else:
                yield self.stages()[part]()

    def stages(self) -> Mapping[str, Callable[[], Rate]]:
        """Return what measures stages without training."""
        stages = (self.reference, self.maps, self.sharded, self.crf, self.crf_at_once, self.walk)
        return dict(zip(PARTS, stages, strict=False))

    def reference(self) -> Rate:
        """Return what a plain loop does: a picture after the other, a pass for every scale and view."""
        localizer, labels = self.network()
        scales = Inference().scales
        ours = torch.get_num_threads()
        torch.set_num_threads(cores())  # a script would not have asked for fewer, as a stage beside a window does
        with Project.open(self.folder, read_only=True) as project, torch.no_grad():
            paths = [project.image_path(image_id) for image_id in project.catalog.ids()]
            start = self.clock()
            for path in paths:
                image = np.asarray(Image.open(path).convert("RGB"))
                size = image.shape[:2]
                total = torch.zeros(len(labels[0]), *size, device=self.device)
                for scale in scales:
                    scaled = resize(image, *(round(side * scale) for side in size))
                    for step in (1, -1):
                        batch = torch.from_numpy(localizer.normalisation.apply(scaled[:, ::step]))[None].to(self.device)
                        maps = localizer.localize(batch, labels[:1])
                        shown = F.interpolate(maps, size, mode="bilinear", align_corners=False)[0]
                        total += shown.flip(2) if step < 0 else shown
                (total / (total.amax((1, 2), keepdim=True) + 1e-5)).cpu().numpy()
            torch.set_num_threads(ours)
            return Rate("CAM, multi-scale, a plain loop", len(paths) / (self.clock() - start))

    def network(self) -> tuple[Localizer, torch.Tensor]:
        """Return a CAM network of random weights, built as the project's; labels of an image and its mirror image."""
        torch.manual_seed(0)
        choice = self.config("classifier", "cam").network.choice()
        localizer = Localizer.build("cam", choice, class_count=CLASSES).eval().to(self.device)
        return localizer, torch.ones(2, CLASSES, dtype=torch.bool, device=self.device)

    def maps(self) -> Rate:
        """Multi-scale CAM over the folder."""
        whole = self.heard(["localize"], "localize", self.sizes.images // 10)
        with Project.open(self.folder) as project:
            project.store.clear()
            read = self.reading(project)
        return Rate("CAM, multi-scale, over a folder", whole, read, self.passes())

    def reading(self, project: Project) -> float:
        """Return how many images a second are read, in the loop of every stage."""

        def read(image_id: str) -> str:
            project.keep_image(image_id)
            return image_id

        def compute(_: str, __: object) -> Generator[Progress, None, Outcome]:
            yield from ()
            return Outcome(is_reused=False)

        start = self.clock()
        ids = list(project.catalog.ids())
        finish(over_images("read", ids, read, compute, forget=project.forget_image))
        return len(ids) / (self.clock() - start)

    def passes(self) -> float:
        """Return of how many images a second the network alone sees all scales, each with its mirror image."""
        device, size = torch.device(self.device), self.sizes.size
        localizer, labels = self.network()
        sides = [localizer.input_size(size, size, scale) for scale in Inference().scales]
        batches = [torch.randn(2, 3, *side, device=device) for side in sides]

        def see() -> None:
            half = torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")
            with torch.inference_mode(), half:
                for batch in batches:
                    localizer.localize(batch, labels)

        return self.repeated(see)

    def sharded(self) -> Rate:
        """Maps by several workers, processes of their own: as many as cores, or two that share a GPU."""
        with Project.open(self.folder) as project:
            project.store.clear()
        whole = self.heard(["localize", "--workers", str(self.workers)], "localize", self.sizes.images // 10)
        return Rate(f"the same by {self.workers} workers", whole)

    @property
    def workers(self) -> int:
        """How many processes share images."""
        return max(2, cores()) if self.device == "cpu" else 2

    def store_maps(self) -> None:
        """Have the maps that refiners begin with stored: those of one pass, which take them as long as any."""
        self.heard(["localize", "--preset", "single", "--apply"], "localize", 0)

    def crf(self) -> Rate:
        """The dense CRF by as many workers as cores, beside so many times what one core does of it; maps are stored."""
        self.store_maps()
        count = max(2, cores())
        chain = ["refine", "--refiners", "power_background", "dense_crf", "--workers", str(count), "--threads", "1"]
        whole = self.heard(chain, "refine", self.sizes.images // 10)
        return Rate(f"dense CRF by {count} workers", whole, network=count * crf_alone(self.folder))

    def crf_at_once(self) -> Rate:
        """The same CRFs in as many loops at once, with nothing else; cores that share their memory do less together."""
        self.store_maps()
        count = max(2, cores())
        with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
            list(pool.map(crf_alone, [self.folder] * count))  # started, and everything imported
            together = sum(pool.map(crf_alone, [self.folder] * count))
        return Rate(f"the same alone, {count} loops at once", together, network=count * crf_alone(self.folder))

    def walk(self) -> Rate:
        """The random walk over affinities; maps are stored before."""
        self.trained("affinity", "--apply")
        self.store_maps()
        chain = ["refine", "--refiners", "power_background", "random_walk"]
        return Rate("random walk over affinities", self.heard(chain, "propose", self.sizes.images // 10))

    def training(self, method: str) -> Rate:
        """Training of a localizer."""
        whole = self.trained("classifier", "--method", method)
        config = self.config("classifier", method)
        with Project.open(self.folder, read_only=True) as project:
            machine = prepare(config.hardware)
            pictures = Pictures(project, config.sources.cached_side)
            data = classifier_data(project, pictures, config)
            network = Localizer.build(
                method, config.network.choice(), config.parameters, class_count=len(project.classes)
            )
            order = data.order(self.sizes.batch, 0, network.companions)
            view = view_of(config.augmentation, network.normalisation, 0)
            make = partial(data.batch, order=order, view=view)
            learner = self.learner(network, config, machine, order)
            alone = self.steps(learner, LocalizerBatch, make(0), done=0.0)
            return Rate(f"{method}, training", whole, self.loading(make, config), alone)

    def segmentation(self) -> Rate:
        """Training of DeepLab v3 on accepted masks: the generated true ones."""
        self.heard(["refine", "--refiners", "power_background"], "propose", 0)
        whole = self.trained("segmentation", "--method", "deeplab_v3")
        config = self.config("segmentation", "deeplab_v3")
        with Project.open(self.folder, read_only=True) as project:
            machine = prepare(config.hardware)
            pictures = Pictures(project, config.sources.cached_side)
            ids = [record.id for record in training_records(project) if record.labels]
            data = SegmentationData(project, pictures, [], ids, 1.0, 0.0)
            network = Segmenter.build("deeplab_v3", config.network.choice(), class_count=len(project.classes))
            order = data.order(self.sizes.batch, 0, 1)
            view = view_of(config.augmentation, network.normalisation, 0, network.enlargement)
            make = partial(data.batch, order=order, view=view)
            alone = self.steps(self.learner(network, config, machine, order), SegmenterBatch, make(0))
            return Rate("DeepLab v3, training", whole, self.loading(make, config), alone)

    # -- how it is measured -------------------------------------------------------------------------------

    def heard(self, arguments: Sequence[str], stage: str, warm: int) -> float:
        """Return the rate at which a stage goes on, by its own progress."""
        self.said(" ".join(arguments))
        heard = Heard(stage, self.clock)
        with redirect_stdout(heard):
            code = run_stage([*arguments, "--project", str(self.folder), "--device", self.device, "--events"])
        assert code == 0, f"{arguments} ended with {code}"
        return heard.rate(warm)

    def trained(self, recipe: str, *more: str) -> float:
        """Return images per second of a training."""
        sizes = self.sizes
        options = ["--trunk", sizes.trunk, "--trunk-weights", "none", "--width", str(sizes.width), "--crop"]
        options += [str(sizes.crop), "--iterations", str(sizes.steps), "--batch-size", str(sizes.batch)]
        return sizes.batch * self.heard([recipe, *options, *more], recipe, sizes.warm)

    def config(self, recipe: Any, method: str) -> RunConfig:
        """Return the configuration of the same training."""
        sizes = self.sizes
        return resolve_file(
            recipe,
            {
                "method": method,
                "network": {"trunk": sizes.trunk, "trunk_weights": "none", "width": sizes.width},
                "optimisation": {"iterations": sizes.steps, "batch_size": sizes.batch},
                "augmentation": {"crop": sizes.crop},
                "hardware": {"device": self.device},
            },
        )

    def learner(self, network: Any, config: RunConfig, machine: Any, order: Any) -> Learner:
        """Return what takes the steps of a training."""
        settings = config.rated_for(network.class_count).optimisation
        freeze(network.trunk, settings)
        groups = (network.trunk_parameters(), network.head_parameters())
        return Learner(network, groups, settings, total_steps(settings, order), machine, order)

    def steps(self, learner: Learner, kind: type[Any], batch: Any, **more: Any) -> float:
        """Return images per second of forward, backward and update, of one batch again and again."""

        def step() -> None:
            for part in learner.parts(kind, batch, **more):
                learner.backward(learner.loss(part))
            learner.update()

        return self.sizes.batch * self.repeated(step)

    def loading(self, make: Callable[[int], Any], config: RunConfig) -> float:
        """Return images per second of batches that nobody learns from; every picture was decoded before."""
        start = self.clock()
        with closing(prefetched(make, range(self.sizes.steps), config.hardware.loaders)) as batches:
            made = sum(1 for _ in batches)
        return self.sizes.batch * made / (self.clock() - start)

    def repeated(self, what: Callable[[], object]) -> float:
        """Return how often a second something is done, of as many times as there are steps."""
        for _ in range(self.sizes.warm):
            what()
        self.finished()
        start = self.clock()
        for _ in range(self.sizes.steps):
            what()
        self.finished()
        return self.sizes.steps / (self.clock() - start)

    def finished(self) -> None:
        """Wait for the device."""
        if self.device != "cpu":
            torch.cuda.synchronize()


def crf_alone(folder: Path) -> float:
    """Return how many images a second a loop over eight pictures and their stored maps brings through the CRF."""
    with Project.open(folder, read_only=True) as project:
        ids = [record.id for record in project.catalog.records() if record.labels][:8]
        given = [(project.load_image(one).pixels, base_maps(project, one)) for one in ids]
    start = time.perf_counter()
    for image, maps in given:
        assert maps is not None
        DenseCrf().refine(image, PowerBackground().refine(image, maps))
    return len(given) / (time.perf_counter() - start)


def main(arguments: list[str] | None = None) -> None:
    """Print the table (see the module)."""
    parser = argparse.ArgumentParser(description="Rates of what takes long.")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    for name, one in Sizes.__dataclass_fields__.items():
        parser.add_argument(f"--{name}", type=type(one.default), default=one.default)
    chosen = parser.parse_args(arguments)
    sizes = Sizes(**{name: getattr(chosen, name) for name in Sizes.__dataclass_fields__})
    out = sys.stdout
    out.write(f"{HEAD}\n")
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench.made(Path(folder), sizes, chosen.device, chosen.clock, lambda line: sys.stderr.write(f"{line}\n"))
        for rate in bench.rates(chosen.parts):
            out.write(f"{rate.row()}\n")
            out.flush()


if __name__ == "__main__":
    main()
