"""A Labels layer is saved as a mask by napari's own command."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.masks import read_mask
from napari_wsss.widgets.writer import write_labels
from tests.exports import MASK

ROOT = Path(__file__).parents[2]


def test_values_and_colours(tmp_path):
    path = str(tmp_path / "mask.png")
    assert write_labels(path, MASK.astype(np.int32), {"name": "mask"}) == [path]
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png"), MASK)
    with Image.open(path) as image:
        assert image.convert("RGB").getpixel((1, 0)) == (128, 0, 0)


@pytest.mark.parametrize("data", [np.zeros((2, 3, 4), int), np.full((2, 2), 256), np.full((2, 2), -1)])
def test_what_is_no_mask_is_refused(tmp_path, data):
    with pytest.raises(ProjectError, match="Save it as TIFF"):
        write_labels(str(tmp_path / "mask.png"), data, {})
    assert not (tmp_path / "mask.png").exists()


def test_napari_offers_it_for_labels(tmp_path):
    from npe2 import PluginManifest

    manifest = PluginManifest.from_file(ROOT / "napari.yaml")
    (writer,) = manifest.contributions.writers
    assert writer.command == "napari-wsss.write_labels"
    assert writer.filename_extensions == [".png"]
    assert writer.layer_types == ["labels"]
