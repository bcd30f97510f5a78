"""`python -m pypipeline_studio` is the same as `pypipeline-studio`."""

import sys

from pypipeline_studio.app import main

if __name__ == "__main__":
    sys.exit(main())
