"""The tests of the house share `sources`, which reads the project's own files."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
