"""Lists beside masks that say what their values and colours mean; imports core, pixels and the text of exchange."""
