"""The studio's side of the engine: its process, its HTTP, its events. Nothing here waits for the engine."""
