"""From what a person points at to one region: of the masks a segmenter offers, the one that suits the class.

Tools around SAM take what the network likes best, because they do not know what is meant. Here the class is known
before the click, and where its maps expect it. So the first clicks, which SAM answers with a part, the thing or a whole
group, are decided by the maps; later clicks leave little to decide. A region that is corrected is given to the network
as its own earlier answer, with a click in its middle.

These functions run in a process apart from the window's (`processes.apart`): generators of `Progress`, arguments and
results that can be sent.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_wsss.core.progress import Progress, Steps
from napari_wsss.pixels.clicks.prompts import Answer, Prompt, PromptBox, Question, implied
from napari_wsss.promptable.sam_onnx import (
    LOGITS,
    Candidates,
    Embedding,
    Logits,
    check_pair,
    decode,
    embed,
    is_decoder,
    read_decoder,
    scaled,
)

Flags = NDArray[np.bool_]
SUREST = np.float32(0.95)
"""Share from which on, and below one minus which, the maps count as sure."""
SURE = 8.0
"""Logit of a pixel inside a region that is handed to the network as its own answer."""


def embedded(encoder: Path, pixels: NDArray[np.uint8]) -> Steps[Embedding]:
    """Return the embedding (256, 64, 64) float16 of a picture (H, W, 3) uint8 RGB; raises as `sam_onnx.embed`."""
    yield Progress("embed", 0, 1)
    return embed(encoder, pixels)


def answered(decoder: Path, question: Question) -> Steps[Answer]:
    """Return the answer to a question; raises as `sam_onnx.decode`."""
    yield Progress("answer", 0, 1)
    return answer(decoder, question)


def warmed(decoder: Path) -> Steps[None]:
    """Read a decoder now, so that the first answer comes as fast as the others; raises as `sam_onnx.decode`."""
    yield Progress("warm", 0, 1)
    read_decoder(decoder)


def sorted_pair(first: Path, second: Path) -> Steps[tuple[Path, Path]]:
    """Return encoder and decoder of a pair given in any order; raises as `sam_onnx.check_pair`."""
    yield Progress("check", 0, 1)
    pair = (second, first) if is_decoder(first) else (first, second)
    check_pair(*pair)
    return pair


def answer(decoder: Path, question: Question) -> Answer:
    """Return the region that answers a question; raises as `sam_onnx.decode`."""
    prompt, before, size = question.prompt, question.logits, question.size
    if question.start is not None:
        before = logits_of(question.start) if before is None else before
        prompt = framed(prompt, question.start, enlarged(before, size) > 0)
    offered = decode(decoder, question.embedding, size, prompt, before)
    logits = offered.logits[chosen(offered, question)]
    return Answer(enlarged(logits, size) > 0, logits)


def logits_of(region: Flags) -> Logits:
    """Return a region (H, W) bool as logits (h, w) float32, as if the network had answered it."""
    height, width = scaled(region.shape, LOGITS)
    share = Image.fromarray(region.astype(np.float32)).resize((width, height), Image.Resampling.BOX)
    return (2 * np.asarray(share, np.float32) - 1) * np.float32(SURE)


def enlarged(logits: Logits, size: tuple[int, int]) -> Logits:
    """Return logits (h, w) at the picture's size (H, W)."""
    return np.asarray(Image.fromarray(logits).resize(size[::-1], Image.Resampling.BILINEAR))


def framed(prompt: Prompt, start: Flags, now: Flags) -> Prompt:
    """Return a prompt about a region that is corrected, with what that says: a click in its middle and a box around it.

    Parameters
    ----------
    prompt : Prompt
    start : (H, W) bool
        The region before the first click.
    now : (H, W) bool
        As it is now; the box takes clicks on the thing in.
    """
    rows, columns = np.nonzero(now if now.any() else start)
    on = [click for click in prompt.clicks if click.is_thing]
    down, across = [*rows, *(click.row for click in on)], [*columns, *(click.column for click in on)]
    box = PromptBox(int(min(down)), int(min(across)), int(max(down)) + 1, int(max(across)) + 1)
    return replace(prompt, clicks=(*implied(start, prompt.clicks), *prompt.clicks), box=box)


def chosen(offered: Candidates, question: Question) -> int:
    """Return which of the masks is meant.

    After the first click on a new thing that is the one (of part, thing and group) which covers most of where the class
    is expected and least of where it is not; without maps the one the network likes best. Later, and where a box or a
    region says how far the thing reaches, it is the first: the mask SAM makes for prompts that leave no doubt.
    """
    prompt = question.prompt
    if len(offered.logits) == 1 or question.start is not None or prompt.box is not None or len(prompt.clicks) > 1:
        return 0
    if question.share is None:
        return 1 + int(offered.qualities[1:].argmax())
    masks = offered.logits > 0
    odds = _odds(enlarged(question.share, masks.shape[1:]))
    covered = max(1, int(np.count_nonzero(np.any(masks, axis=0))))
    scores = [quality + odds[mask].sum() / covered for quality, mask in zip(offered.qualities, masks, strict=True)]
    return int(np.argmax(scores))


def _odds(share: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the logarithm of how much likelier than not the class is, at most as sure as `SUREST`."""
    bounded = np.clip(share, 1 - SUREST, SUREST)
    return np.asarray(np.log(bounded / (1 - bounded)), np.float32)
