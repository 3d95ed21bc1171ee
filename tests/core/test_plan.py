from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from napari_wsss.core.background import AutomaticBackground
from napari_wsss.core.plan import Plan, Step, changed_parts

values = st.dictionaries(st.sampled_from(["alpha", "steps"]), st.integers() | st.text(max_size=3))
steps = st.builds(Step, st.sampled_from(["cam", "power_background", "dense_crf"]), values)
scopes = st.sampled_from(["image:a.png", "class:cat", "cluster:2"])
plans = st.builds(
    Plan,
    localizer=steps,
    refiners=st.lists(steps, max_size=3).map(tuple),
    segmenter=st.none() | steps,
    localizer_checkpoint=st.text(max_size=5),
    segmenter_checkpoint=st.text(max_size=5),
    overrides=st.dictionaries(scopes, st.dictionaries(st.just("dense_crf"), values)),
)


@given(plans)
def test_json_round_trip(plan: Plan) -> None:
    assert Plan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan


def test_missing_entries_get_defaults() -> None:
    assert Plan.from_dict({}) == Plan()


def test_most_specific_scope_wins() -> None:
    plan = Plan(refiners=(Step("power_background", {"alpha": 1, "kept": 0}), Step("dense_crf")))
    for alpha, scope in enumerate(("class:cat", "cluster:2", "image:a.png"), start=2):
        plan = plan.with_override(scope, "power_background", {"alpha": alpha})

    def alpha_of(image_id: str, cluster: str, *labels: str) -> int:
        first, second = plan.refiners_for(image_id, frozenset(labels), (cluster,) if cluster else ())
        assert first.parameters["kept"] == 0
        assert second == Step("dense_crf")
        return int(first.parameters["alpha"])

    assert alpha_of("b.png", "", "dog") == 1
    assert alpha_of("b.png", "", "dog", "cat") == 2
    assert alpha_of("b.png", "2", "cat") == 3
    assert alpha_of("a.png", "2", "cat") == 4


def test_an_override_leaves_the_plan_it_was_made_from_alone() -> None:
    plan = Plan().with_override("class:cat", "dense_crf", {"steps": 1})
    more = plan.with_override("class:cat", "dense_crf", {"weight": 2})
    assert plan.overrides["class:cat"]["dense_crf"] == {"steps": 1}
    assert more.overrides["class:cat"]["dense_crf"] == {"steps": 1, "weight": 2}


def test_later_clusters_win_and_classes_lose() -> None:
    plan = Plan(refiners=(Step("dense_crf"),))
    for scope in ("cluster:cat 2", "class:zebra", "cluster:ant 1"):
        plan = plan.with_override(scope, "dense_crf", {"steps": scope})
    (step,) = plan.refiners_for("a", frozenset({"zebra"}), ("cat 2", "ant 1"))
    assert step.parameters["steps"] == "cluster:ant 1"
    assert plan.knows_clusters
    assert not Plan().knows_clusters


def test_entries_of_a_mapping_are_laid_over_one_by_one() -> None:
    plan = Plan(refiners=(Step("class_gain", {"gains": {"1": 2.0, "2": 3.0}}),))
    plan = plan.with_override("image:a", "class_gain", {"gains": {"2": 0.5}})
    plan = plan.with_override("image:a", "class_gain", {"gains": {"3": 0.5}})
    (step,) = plan.refiners_for("a", frozenset())
    assert step.parameters == {"gains": {"1": 2.0, "2": 0.5, "3": 0.5}}


def test_what_changed_names_no_scope_that_did_not() -> None:
    first = Plan().with_override("image:a", "dense_crf", {"steps": 1}).with_override("image:b", "dense_crf", {"x": 1})
    second = first.with_override("image:b", "dense_crf", {"x": 2}).with_override("image:c", "dense_crf", {"x": 3})
    before, after = changed_parts(first.to_dict(), second.to_dict())
    assert before["overrides"] == {"image:b": {"dense_crf": {"x": 1}}}
    assert after["overrides"] == {"image:b": {"dense_crf": {"x": 2}}, "image:c": {"dense_crf": {"x": 3}}}
    assert before["localizer"] == after["localizer"] == {"method": "cam", "parameters": {}}


def test_what_is_automatic_lies_below_everything_that_was_chosen() -> None:
    chosen = Plan(refiners=(Step("power_background"), Step("dense_crf")), automatic=AutomaticBackground(0.5))
    assert chosen.refiners_for("a", frozenset())[0].parameters == {"background_power": 1.0}
    assert chosen.refiners_for("a", frozenset())[1] == Step("dense_crf")
    fixed = replace(chosen, refiners=(Step("power_background", {"background_power": 3.0}),))
    assert fixed.steps == fixed.refiners
    own = chosen.with_override("image:a", "power_background", {"background_power": 5.0})
    assert own.refiners_for("a", frozenset())[0].parameters == {"background_power": 5.0}
    assert own.refiners_for("b", frozenset())[0].parameters == {"background_power": 1.0}
    assert Plan.from_dict(own.to_dict()) == own
    assert "automatic" not in Plan().to_dict()
