"""How proposals come about: the plan, what is tried of it with sliders, and computing in the background."""
