"""Embeddings are there before they are asked for: of the shown image and the next ones, and not without end."""

from __future__ import annotations

import pytest

from napari_wsss.pixels.clicks.prompts import Click
from napari_wsss.session.correct import embeddings as module
from tests.promptable.tiny_pair import write_pair


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return write_pair(tmp_path_factory.mktemp("pair"))


def test_nothing_is_computed_before_somebody_points(computed, pair):
    session = computed.session
    session.segmenter.use(pair)
    computed.settle()
    assert session.embeddings.of("p0.png") is None
    assert "until" in session.pointing.text


def test_the_shown_image_and_the_next_ones_are_looked_at(computed, pair, monkeypatch):
    session, arrived = computed.session, []
    monkeypatch.setattr(module, "CAPACITY", 3)
    session.settings.ahead = 1
    session.embeddings.arrived.connect(arrived.append)
    session.segmenter.use(pair)
    session.pointing.prepare()
    computed.settle()
    assert arrived == ["p0.png", "p1.png"]
    for _ in range(3):
        session.navigation.next()
        computed.settle()
    assert arrived == [f"p{number}.png" for number in range(5)]
    assert session.embeddings.of("p1.png") is None  # only so many are kept
    assert session.embeddings.of("p4.png") is not None
    assert session.pointing.text == "The segmenter answers"


def test_clicks_are_answered_by_it_and_by_colours_until_it_is_ready(computed, pair):
    session = computed.session
    session.segmenter.use(pair)
    assert session.pointing.click(Click(12, 24), 3)
    computed.settle()
    session.pointing.end()
    session.pointing.prepare()
    computed.settle()
    assert session.pointing.click(Click(12, 8), 3)
    computed.settle()
    mask = session.table.mask
    assert (mask[8:16, 20:28] == 3).mean() > 0.9
    assert (mask[8:16, 6:12] == 3).all()
    methods = [source.method for source in session.table.sources.table if source.kind == "clicked"]
    assert methods == ["random walk", "promptable segmenter"]


def test_what_cannot_be_used_is_said_once_and_colours_answer(computed, tmp_path):
    session = computed.session
    session.segmenter.use((tmp_path / "none.onnx", tmp_path / "none.onnx"))
    session.pointing.prepare()
    computed.settle()
    session.navigation.next()
    session.pointing.prepare()
    computed.settle()
    assert len(computed.failures) == 1
    assert "There is no file" in computed.failures[0]
    assert session.pointing.text == "Colours and maps answer"
