"""From a question to a region: which mask is chosen, and how a region is corrected."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.core.progress import finish
from napari_wsss.pixels.clicks.prompts import Click, Prompt, PromptBox, Question
from napari_wsss.promptable.answering import answered, chosen, embedded, enlarged, framed, logits_of, sorted_pair
from napari_wsss.promptable.sam_onnx import Candidates
from tests.promptable.tiny_pair import write_pair

SIZE = 60, 100
THING = np.s_[10:40, 50:90]
ONE = Prompt((Click(20, 70),))


def question(**more):
    return Question(np.zeros((256, 64, 64), np.float16), SIZE, **{"prompt": ONE, **more})


def offered():
    """Return the candidates nothing, part, thing and everything; the network likes the part best."""
    masks = np.full((4, *SIZE), -5, np.float32)
    masks[1][15:25, 60:80] = masks[2][THING] = masks[3] = 5
    return Candidates(masks, np.float32([0.1, 0.95, 0.9, 0.85]))


def share(where):
    found = np.full(SIZE, 0.02, np.float32)
    found[where] = 0.9
    return found


def test_maps_choose_between_part_thing_and_group():
    assert chosen(offered(), question()) == 1
    assert chosen(offered(), question(share=share(THING))) == 2
    assert chosen(offered(), question(share=share(np.s_[:]))) == 3
    assert chosen(offered(), question(share=share(np.s_[14:26, 58:82]))) == 1


def test_later_prompts_leave_no_doubt():
    more = ONE.clicked(Click(5, 5, is_thing=False))
    assert chosen(offered(), question(prompt=more)) == 0
    assert chosen(offered(), question(start=np.ones(SIZE, bool))) == 0
    assert chosen(offered(), question(prompt=Prompt(box=PromptBox(10, 50, 40, 90)))) == 0
    single = Candidates(offered().logits[:1], np.float32([0.5]))
    assert chosen(single, question()) == 0


def test_a_region_comes_back_from_its_logits():
    region = np.zeros(SIZE, bool)
    region[THING] = True
    logits = logits_of(region)
    assert max(logits.shape) == 256
    assert np.array_equal(enlarged(logits, SIZE) > 0, region)


def test_a_corrected_region_brings_its_middle_and_its_box():
    region = np.zeros(SIZE, bool)
    region[THING] = True
    prompt = framed(Prompt((Click(50, 95), Click(12, 52, is_thing=False))), region, region)
    assert prompt.box == PromptBox(10, 50, 51, 96)
    assert prompt.clicks[1:] == (Click(50, 95), Click(12, 52, is_thing=False))
    middle = prompt.clicks[0]
    assert 22 <= middle.row <= 27
    assert middle.is_thing


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return write_pair(tmp_path_factory.mktemp("pair"))


def test_from_picture_to_region(pair):
    encoder, decoder = finish(sorted_pair(*reversed(pair)))
    assert (encoder, decoder) == pair
    pixels = np.full((*SIZE, 3), 60, np.uint8)
    pixels[THING] = (220, 40, 30)
    embedding = finish(embedded(encoder, pixels))
    found = finish(answered(decoder, Question(embedding, SIZE, ONE, share(THING))))
    assert found.region[THING].mean() > 0.9
    outside = np.ones(SIZE, bool)
    outside[THING] = False
    assert found.region[outside].mean() < 0.1
    assert found.logits.shape == (154, 256)
