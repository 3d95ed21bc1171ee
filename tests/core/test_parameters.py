from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_wsss.core.errors import ParameterError
from napari_wsss.core.parameters import (
    NoParameters,
    add_options,
    advanced_options,
    check,
    fields_of,
    from_dict,
    parameter,
    to_dict,
    type_of,
    typed_options,
)


@dataclass(frozen=True)
class Parameters:
    """Background and scales."""

    power: float = parameter(4.0, "Background power (alpha)", "Larger means less.", bounds=(1, 32))
    steps: int = parameter(10, "Steps", bounds=(0, None))
    flip: bool = parameter(True, "Flip")
    preset: str = parameter("psa", "Preset", choices=("psa", "irn"), advanced=True)
    scales: tuple[float, ...] = parameter((0.5, 1.0), "Scales", bounds=(0.1, 4))
    size: int | None = parameter(None, "Size")
    mode: Literal["fast", "full"] = parameter("full", "Mode", choices=("fast", "full"))


valid = st.builds(
    Parameters,
    power=st.floats(1, 32),
    steps=st.integers(0, 10**6),
    flip=st.booleans(),
    preset=st.sampled_from(["psa", "irn"]),
    scales=st.lists(st.floats(0.1, 4), min_size=1, max_size=4).map(tuple),
    size=st.none() | st.integers(),
    mode=st.sampled_from(["fast", "full"]),
)


@given(valid)
def test_json_round_trip(parameters: Parameters) -> None:
    assert from_dict(Parameters, json.loads(json.dumps(to_dict(parameters)))) == parameters


@given(valid)
def test_command_line_round_trip(parameters: Parameters) -> None:
    words = []
    for name, value in to_dict(parameters).items():
        if isinstance(value, bool):
            words.append(f"--{name}" if value else f"--no-{name}")
        elif value is not None:
            words += (
                [f"--{name}", *map(repr if isinstance(value, float) else str, value)]
                if isinstance(value, list)
                else [f"--{name}={value}"]
            )
    parser = argparse.ArgumentParser()
    add_options(parser, Parameters)
    assert from_dict(Parameters, typed_options(Parameters, parser.parse_args(words))) == parameters


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("power", 0.5),
        ("power", 33),
        ("power", float("nan")),
        ("power", True),
        ("power", "4"),
        ("steps", -1),
        ("steps", 2.5),
        ("flip", 1),
        ("preset", "own"),
        ("scales", [1.0, 9.0]),
        ("scales", 1.0),
        ("steps", float("inf")),
        ("mode", "slow"),
        ("unknown", 1),
    ],
)
def test_wrong_values_are_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ParameterError) as raised:
        from_dict(Parameters, {name: value})
    assert raised.value.name == name


def test_options_override_only_what_was_typed() -> None:
    parser = argparse.ArgumentParser()
    add_options(parser, Parameters, prefix="crf_")
    typed = parser.parse_args(["--crf-steps", "3", "--no-crf-flip", "--crf-scales", "1", "2"])
    found = typed_options(Parameters, typed, prefix="crf_")
    assert from_dict(Parameters, {"power": 8, "steps": 5, **found}) == Parameters(
        power=8, steps=3, flip=False, scales=(1.0, 2.0)
    )
    assert set(found) == {"steps", "flip", "scales"}


def test_help_names_title_text_and_default(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    add_options(parser, Parameters)
    with pytest.raises(SystemExit):
        parser.parse_args(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "Background power (alpha). Larger means less. [4.0]" in shown


def test_advanced_options_stand_behind_all_others() -> None:
    @dataclass(frozen=True)
    class First:
        """First."""

        easy: int = parameter(1, "Easy")
        hard: int = parameter(1, "Hard", advanced=True)

    @dataclass(frozen=True)
    class Second:
        """Second."""

        plain: int = parameter(1, "Plain")

    parser = argparse.ArgumentParser(usage="")
    add_options(parser, First, Second)
    shown = parser.format_help()
    places = [shown.index(words) for words in ("First:", "--easy", "Second:", "--plain", "Advanced: First:", "--hard")]
    assert places == sorted(places)


def test_declared_facts_are_what_a_form_reads() -> None:
    metadata = fields_of(Parameters)["power"].metadata
    assert (metadata["minimum"], metadata["maximum"], metadata["advanced"]) == (1, 32, False)
    assert type_of(Parameters, "scales") == tuple[float, ...]
    assert check(NoParameters()) == NoParameters()


def test_a_mapping_is_checked_entry_by_entry_and_typed_as_pairs() -> None:
    @dataclass(frozen=True)
    class Gains:
        """Gains."""

        gains: dict[str, float] = parameter({}, "Gains", bounds=(0.25, 4.0))  # noqa: RUF009

    parser = argparse.ArgumentParser()
    add_options(parser, Gains)
    typed = typed_options(Gains, parser.parse_args(["--gains", "1=1.5", "3 = 2"]))
    assert from_dict(Gains, typed).gains == {"1": 1.5, "3": 2.0}
    assert to_dict(from_dict(Gains, {"gains": {"1": 2}})) == {"gains": {"1": 2.0}}
    for wrong in ({"1": 9.0}, {"1": "loud"}, 3.0):
        with pytest.raises(ParameterError, match="gains"):
            from_dict(Gains, {"gains": wrong})
    with pytest.raises(SystemExit):
        parser.parse_args(["--gains", "loud"])


@dataclass(frozen=True)
class Open:
    """A choice that others may add to."""

    trunk: str = parameter("a", "Trunk", choices=("a", "b"), others="timm/NAME")


def test_others_may_be_given_beside_the_choices() -> None:
    assert from_dict(Open, {"trunk": "timm/x"}).trunk == "timm/x"
    parser = argparse.ArgumentParser()
    add_options(parser, Open)
    assert parser.parse_args(["--trunk", "timm/x"]).trunk == "timm/x"
    assert "timm/NAME" in parser.format_help()


def test_advanced_options_of_a_parser_share_one_group() -> None:
    parser = argparse.ArgumentParser()
    advanced_options(parser).add_argument("--one")
    advanced_options(parser).add_argument("--two")
    assert parser.format_help().count("Advanced:") == 1
