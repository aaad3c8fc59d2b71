"""The tests of the kernel share `random_terms`: random terms, the finite models they are read in, and the harness."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
