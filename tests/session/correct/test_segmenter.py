"""Two files become the segmenter in use, in whichever order they are marked; others are refused in a sentence."""

from __future__ import annotations

from tests.promptable.tiny_pair import write_pair


def test_two_files_in_any_order(computed, tmp_path):
    session, told = computed.session, []
    pair = write_pair(tmp_path)
    session.segmenter.changed.connect(lambda: told.append(session.segmenter.pair))
    session.segmenter.choose(pair[::-1])
    computed.settle()
    assert told == [pair]
    session.segmenter.use(None)
    assert told == [pair, None]


def test_anything_else_is_refused_and_the_choice_stays(computed, tmp_path):
    session = computed.session
    encoder, decoder = write_pair(tmp_path)
    for files in ((encoder, encoder), (decoder, decoder), (tmp_path / "none.onnx", decoder), (encoder,)):
        session.segmenter.choose(files)
        computed.settle()
    assert len(computed.failures) == 4
    assert session.segmenter.pair is None
