"""The desktop application: draw a pipeline, run it in an engine process, see what limits it."""
