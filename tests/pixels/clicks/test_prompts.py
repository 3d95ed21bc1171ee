"""What is said about a thing adds up, and a box knows its inside."""

from __future__ import annotations

import numpy as np

from napari_wsss.pixels.clicks.prompts import Click, Prompt, PromptBox, implied


def test_clicks_add_up_in_their_order():
    first, second = Click(1, 2), Click(3, 4, is_thing=False)
    prompt = Prompt().clicked(first).clicked(second)
    assert prompt.clicks == (first, second)
    assert Prompt().clicks == ()


def test_a_box_is_without_its_end():
    inside = PromptBox(1, 2, 3, 5).inside((4, 6))
    assert inside.sum() == 6
    assert inside[1:3, 2:5].all()


def test_a_region_implies_its_middle_unless_that_is_denied():
    region = np.zeros((20, 20), bool)
    region[5:14, 5:14] = True
    assert implied(region, ()) == (Click(9, 9),)
    assert implied(region, (Click(6, 6, is_thing=False), Click(9, 9))) == (Click(9, 9),)
    assert implied(region, (Click(10, 9, is_thing=False),)) == ()
