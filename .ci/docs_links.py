"""mkdocs hook: links out of docs/ lead to the file in the repository, where a reader of the files finds them too."""

import re

OUTSIDE = re.compile(r"\]\(\.\./([^)\s]+)\)")


def on_page_markdown(markdown, config, **_):
    """Return a page whose links to files above docs/ are addresses."""
    return OUTSIDE.sub(lambda found: f"]({config['repo_url'].rstrip('/')}/blob/main/{found[1]})", markdown)
