"""Controls that every page uses: sliders, forms, charts, folding boxes; they know no session."""
