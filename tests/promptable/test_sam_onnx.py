"""Pairs of files: what is read, what is refused in a sentence, and which masks come out."""

from __future__ import annotations

import builtins

import numpy as np
import pytest

from napari_wsss.core.errors import StepError, WeightsError
from napari_wsss.pixels.clicks.prompts import Click, Prompt, PromptBox
from napari_wsss.promptable.sam_onnx import _points, check_pair, decode, embed, is_decoder, scaled
from tests.promptable.tiny_pair import QUALITIES, write_pair

SIZE = 60, 100


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return write_pair(tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="module")
def picture():
    pixels = np.full((*SIZE, 3), 60, np.uint8)
    pixels[10:40, 50:90] = (220, 40, 30)
    return pixels


def test_a_decoder_that_keeps_one_mask_hands_out_all(pair, picture):
    encoder, decoder = pair
    embedding = embed(encoder, picture)
    assert (embedding.shape, embedding.dtype) == ((256, 64, 64), np.float16)
    offered = decode(decoder, embedding, SIZE, Prompt((Click(20, 70),)))
    assert np.allclose(offered.qualities, QUALITIES)
    assert offered.logits.shape == (4, *scaled(SIZE, 256))
    strict, generous = offered.logits[1] > 0, offered.logits[3] > 0
    assert strict.any()
    assert not (strict & ~generous).any()
    red = strict[: 256 * 60 // 100]
    assert red[int(20 * 2.56), int(70 * 2.56)]
    assert not red[int(50 * 2.56), int(20 * 2.56)]


def test_points_are_in_pixels_of_the_scaled_picture():
    prompt = Prompt((Click(0, 0), Click(59, 99, is_thing=False)))
    points, labels = _points(prompt, SIZE)
    assert labels.tolist() == [1, 0, -1]  # and the padding point where there is no box
    assert np.allclose(points[:2], [(5.12, 5.12), (99.5 * 10.24, 59.5 * 10.24)], atol=0.5)
    points, labels = _points(Prompt(box=PromptBox(10, 50, 40, 90)), SIZE)
    assert labels.tolist() == [2, 3]
    assert np.allclose(points, [(512, 102.4), (921.6, 409.6)], atol=1)


@pytest.mark.parametrize("turned", [False, True])
def test_wrong_files_are_refused_in_a_sentence(pair, tmp_path, turned):
    encoder, decoder = pair
    assert is_decoder(decoder)
    assert not is_decoder(encoder)
    check_pair(encoder, decoder)
    text = tmp_path / "notes.onnx"
    text.write_text("no network")
    for wrong, said in ((text, "cannot be read"), (tmp_path / "gone.onnx", "There is no file")):
        with pytest.raises(WeightsError, match=said):
            check_pair(*((encoder, wrong) if turned else (wrong, decoder)))
    with pytest.raises(WeightsError, match="is no decoder" if turned else "is no encoder"):
        check_pair(*((encoder, encoder) if turned else (decoder, decoder)))


def test_a_missing_package_is_named_with_its_extra(pair, monkeypatch, tmp_path):
    usual = builtins.__import__

    def without(name, *rest, **more):
        if name == "onnxruntime":
            raise ImportError(name)
        return usual(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(StepError, match=r"napari-wsss\[onnx\]"):
        check_pair(*write_pair(tmp_path))
