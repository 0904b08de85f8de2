"""``python -m eqsnn``: the command ``eqsnn``."""

import sys

from eqsnn.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
