"""Label Studio: tasks with brush masks as JSON to import, and the labelling configuration that fits them."""

import json
from typing import Any, ClassVar
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from napari_wsss.core.inside import writable
from napari_wsss.exchange.writers.base import Item, Writer, regions
from napari_wsss.pixels.run_lengths import brush_runs

TASKS = "tasks.json"
CONFIGURATION = "label_config.xml"
IMAGE_FOLDER = "images"
SERVED = "/data/local-files/?d="
"""Where Label Studio serves a folder of its own machine."""


class LabelStudio(Writer):
    """``tasks.json`` with one annotation for each image, a brush region for each class, and ``label_config.xml``."""

    title = "Label Studio (brush)"
    takes_images: ClassVar[bool] = True

    def begin(self) -> None:
        """Begin the list of tasks."""
        self._tasks: list[dict[str, Any]] = []

    def add(self, item: Item) -> None:
        """Note a task with the image's regions."""
        self.put_image(f"{IMAGE_FOLDER}/{item.id}", item)
        result = [self._region(item, value, where) for value, where in regions(item)]
        self._tasks.append(
            {
                "id": item.number,
                "data": {"image": SERVED + quote(f"{IMAGE_FOLDER}/{item.id}"), "split": item.split},
                "annotations": [{"id": item.number, "result": result}],
            }
        )

    def _region(self, item: Item, value: int, where: Any) -> dict[str, Any]:
        height, width = item.size
        return {
            "id": f"{item.number}-{value}",
            "type": "brushlabels",
            "from_name": "tag",
            "to_name": "image",
            "original_width": width,
            "original_height": height,
            "image_rotation": 0,
            "value": {"format": "rle", "rle": brush_runs(where), "brushlabels": [self.name_of(value)]},
        }

    def finish(self) -> None:
        """Write the tasks and the configuration."""
        self.put(TASKS, json.dumps(self._tasks, ensure_ascii=False))
        named = [(quoteattr(writable(self.name_of(value))), self.web_colour(value)) for value in self.values]
        labels = [f'    <Label value={name} background="{colour}"/>' for name, colour in named]
        self.put(
            CONFIGURATION,
            "\n".join(
                [
                    "<View>",
                    '  <Image name="image" value="$image" zoom="true"/>',
                    '  <BrushLabels name="tag" toName="image">',
                    *labels,
                    "  </BrushLabels>",
                    "</View>",
                    "",
                ]
            ),
        )
