"""Examples and documentation, installed beside the engine as the package `pypipeline_resources`."""
