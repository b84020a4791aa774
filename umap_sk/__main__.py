"""``python -m umap_sk`` is the command ``umap-sk``."""

import sys

from umap_sk.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
