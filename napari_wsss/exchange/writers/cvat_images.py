"""CVAT for images 1.1: one XML with a mask for each class in each image, to upload into a task of the same images."""

from typing import Any, ClassVar
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import numpy as np

from napari_wsss.core.inside import writable
from napari_wsss.exchange.writers.base import Item, Writer, regions
from napari_wsss.pixels.run_lengths import run_lengths

NAME = "annotations.xml"


class CvatImages(Writer):
    """``annotations.xml``; CVAT finds its images by their names; splits are a matter of its tasks, so none is in it."""

    title = "CVAT for images 1.1"
    judge: ClassVar[str] = "Datumaro"
    takes_images: ClassVar[bool] = True

    def begin(self) -> None:
        """Begin the document."""
        self._images: list[Element] = []

    def add(self, item: Item) -> None:
        """Note an image with a mask for each class: run lengths, row after row, inside its bounding box."""
        self.put_image(f"images/{item.id}", item)
        height, width = item.size
        facts = {"id": item.number - 1, "name": writable(item.id), "width": width}
        image = Element("image", _texts({**facts, "height": height}))
        for value, where in regions(item):
            rows, columns = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
            top, left, bottom, right = rows[0], columns[0], rows[-1] + 1, columns[-1] + 1
            runs = run_lengths(where[top:bottom, left:right])
            place = {"left": left, "top": top, "width": right - left, "height": bottom - top}
            said = {"label": writable(self.name_of(value)), "source": "manual", "occluded": 0}
            SubElement(image, "mask", _texts({**said, "rle": ", ".join(map(str, runs)), **place, "z_order": 0}))
        self._images.append(image)

    def finish(self) -> None:
        """Write the document: what the labels are, then every image."""
        root = Element("annotations")
        SubElement(root, "version").text = "1.1"
        labels = SubElement(SubElement(SubElement(root, "meta"), "task"), "labels")
        for value in self.values:
            label = SubElement(labels, "label")
            SubElement(label, "name").text = writable(self.name_of(value))
            SubElement(label, "color").text = self.web_colour(value)
            SubElement(label, "type").text = "mask"
            SubElement(label, "attributes")
        root.extend(self._images)
        ElementTree.indent(root)
        self.put(NAME, ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def _texts(facts: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in facts.items()}
