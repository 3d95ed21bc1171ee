"""The next images, read ahead in the background, so that showing them is instant."""

from collections import OrderedDict
from collections.abc import Sequence

from napari_wsss.core.progress import Progress, Steps
from napari_wsss.project.project import Project
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.session.results.machine import Picture, read_picture
from napari_wsss.session.results.shown import Shown, resolve

CAPACITY = 6
PREFETCH = "prefetch"
Age = tuple[int, dict[str, int]]


class Prefetch:
    """A small cache of `Picture`, filled by a quiet job; only touched in the window's thread.

    `capacity` pictures are kept. Masks are never kept here: they are a person's work and always read from disk.
    """

    def __init__(self, project: Project, jobs: Jobs, capacity: int = CAPACITY) -> None:
        self._project, self._jobs, self.capacity = project, jobs, capacity
        self._pictures: OrderedDict[str, Picture] = OrderedDict()
        self._ages: dict[str, int] = {}  # grow with everything that makes what is being read wrong
        self._age = 0

    def get(self, shown: Shown) -> Picture:
        """Return the picture of an image, from the cache or read now; errors of reading come through."""
        image_id = shown.record.id
        if image_id in self._pictures:
            self._pictures.move_to_end(image_id)
            return self._pictures[image_id]
        picture = read_picture(self._project, shown)
        self._keep(picture)
        return picture

    def holds(self, image_id: str) -> bool:
        """Return True when showing this image would need no reading."""
        return image_id in self._pictures

    def ahead(self, ids: Sequence[str]) -> None:
        """Read these images in the background, the first of them first; an older request is dropped."""
        missing = [image_id for image_id in ids if image_id not in self._pictures]
        if missing:
            age = self._age, {image_id: self._ages.get(image_id, 0) for image_id in missing}
            job = Job("read ahead", lambda: self._read(missing, age), key=PREFETCH, lane=PREFETCH, quiet=True)
            self._jobs.submit(job)

    def drop(self, image_id: str) -> None:
        """Forget one image, whose labels, maps or file changed."""
        self._ages[image_id] = self._ages.get(image_id, 0) + 1
        self._pictures.pop(image_id, None)

    def clear(self) -> None:
        """Forget all images (the plan changed)."""
        self._age += 1
        self._pictures.clear()

    def _read(self, ids: Sequence[str], age: Age) -> Steps[None]:
        for done, image_id in enumerate(ids, start=1):
            picture = read_picture(self._project, resolve(self._project, self._project.plan, image_id))
            self._jobs.dispatch(lambda picture=picture: self._arrived(picture, age))  # type: ignore[misc]
            yield Progress(PREFETCH, done, len(ids), image_id)

    def _arrived(self, picture: Picture, age: Age) -> None:
        image_id, (whole, single) = picture.image_id, age
        if whole == self._age and single[image_id] == self._ages.get(image_id, 0):
            self._keep(picture)

    def _keep(self, picture: Picture) -> None:
        self._pictures[picture.image_id] = picture
        self._pictures.move_to_end(picture.image_id)
        while len(self._pictures) > self.capacity:
            self._pictures.popitem(last=False)
