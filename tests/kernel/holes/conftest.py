"""Each file closes one kind of hole: what must not be proved, in several forms, and true neighbours that still are."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
