"""``python -m partclipseg``: see ``partclipseg.cli``."""

import sys

from partclipseg.cli import main

if __name__ == "__main__":
    sys.exit(main())
