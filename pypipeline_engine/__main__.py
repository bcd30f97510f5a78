"""`python -m pypipeline_engine` is the same as `pypipeline`."""

from pypipeline_engine.cli import main

if __name__ == "__main__":
    main()
