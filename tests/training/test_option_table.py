"""The shipped list of options is what the parsers say: help without torch never lies."""

import json

from training.option_table import FILE, as_text, table


def test_the_file_is_what_the_parsers_say() -> None:
    """Otherwise: ``python -m training.option_table`` writes it anew."""
    shipped, now = json.loads(FILE.read_text(encoding="utf-8")), table()
    assert set(shipped) == set(now)
    for stage, options in now.items():
        assert shipped[stage] == json.loads(json.dumps(options)), stage


def test_every_option_of_every_method_is_explained() -> None:
    for stage, found in json.loads(as_text()).items():
        for groups in found["methods"].values() if isinstance(found, dict) else [found]:
            options = [option for group in groups for option in group["options"]]
            names = [option["dest"] for option in options]
            assert {"help", "json", "events", "config"} <= set(names), stage
            assert all("help" in option or option.get("choices") or stage in ("clusters",) for option in options), stage
