"""The layers of the viewer: what of the session is shown on the canvas, and painting into it."""
