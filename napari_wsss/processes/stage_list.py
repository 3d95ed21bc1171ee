"""The stages by name with a line of help each; importing the list loads none of them."""

from typing import Literal

Recipe = Literal["classifier", "segmentation", "affinity", "boundary", "saliency"]
TRAINED: dict[Recipe, str] = {
    "classifier": "train the classifier whose activation maps are the seeds",
    "segmentation": "train the segmentation network on accepted masks and machine proposals",
    "affinity": "train the affinity network that random walks follow, on what is confident in the activation maps",
    "boundary": "train the network of class boundaries that random walks respect, on what is confident in the maps",
    "saliency": "train the class-free saliency network on accepted masks or on pairs of images and masks",
}
"""Stage that trains -> what."""
OTHER_STAGES: dict[str, tuple[str, str]] = {
    "start": ("training.stages.start", "the recommended start: SEAM, LPCAM on it, dense CRF; each is used at once"),
    "localize": ("training.stages.maps", "compute the activation maps of images"),
    "refine": ("training.stages.maps", "refine activation maps into pseudo masks"),
    "background": ("training.stages.maps", "estimate the automatic background strength anew"),
    "features": (
        "training.stages.ahead.features",
        "compute what the learner keeps of images, before it is asked",
    ),
    "evaluate": ("training.stages.evaluate", "compare seeds, pseudo masks or predictions with true masks"),
    "judge": ("training.stages.judge", "hold a new model or chain against what is used now, class by class"),
    "adopt": ("training.stages.adopt", "take a published network, or one of another project, into the project"),
    "weights": ("training.stages.weights", "list the published weights that are known, or say what a file is"),
    "clusters": (
        "training.stages.clusters",
        "find (or list) clusters of each class by the applied localizer's features",
    ),
    "borrow": ("training.stages.borrow", "propose one image's correction for images that are like it"),
    "compare": ("training.stages.compare", "train several localizers alike and compare their maps with true masks"),
    "tables": ("training.stages.tables", "make the papers' tables for this project: text, CSV and LaTeX"),
    "instances": ("training.stages.instances", "write the instances of the labelled classes, with a boundary network"),
    "predict": ("training.stages.predict", "run a trained network on a folder of pictures that is no project"),
    "export-model": ("training.stages.export_model", "write a trained network as ONNX or TorchScript"),
    "economy": ("training.stages.economy", "measure what a person's seconds buy, with simulated annotators"),
    "clicks": ("training.stages.clicks", "count the clicks that masks cost, from nothing and from proposals"),
    "benchmark": ("training.stages.loop_benchmark", "measure the whole loop on a folder with true masks"),
}
"""Stage -> module with ``add_<stage>_options(parser, typed)`` and ``<stage>(options, report) -> exit code``, - as _."""
