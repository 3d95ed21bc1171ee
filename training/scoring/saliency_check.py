"""How good a saliency network is on examples it does not learn from."""

from collections.abc import Sequence

from napari_wsss.core.inference import Inference
from napari_wsss.saliency.base import SaliencyModel
from training.data.saliency_examples import Examples
from training.data.samplers import spread
from training.scoring.saliency_metrics import HALF, SaliencyTally, tables_of
from training.scoring.validation import MOST_IMAGES, Ask, go_on


class SaliencyCheck:
    """Figures of a network on held-out examples, `MOST_IMAGES` of them."""

    def __init__(self, model: SaliencyModel, examples: Examples, names: Sequence[str], ask: Ask = go_on) -> None:
        self._model, self._examples, self._names, self._ask = model, examples, spread(names, MOST_IMAGES), ask

    def figures(self) -> dict[str, float]:
        """Return ``adaptive_f`` (it decides which model is best) and the other means, or nothing without examples."""
        return self._tally().figures() if self._names else {}

    def tables(self) -> dict[str, list[list[str]]]:
        """Return the tables ``saliency`` and ``edges`` (errors by distance from the edge), or nothing."""
        return tables_of(self._tally()) if self._names else {}

    def _tally(self) -> SaliencyTally:
        tally, settings = SaliencyTally(), Inference(preset="single")
        for name in self._names:
            self._ask()
            found = self._model.infer(self._examples.image(name), settings)
            tally.add(found, self._examples.mask(name) >= HALF, self._examples.known(name) > 0)
        return tally
