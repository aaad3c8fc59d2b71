"""No test reads or writes the cache of whoever runs the tests."""

import os
import tempfile

os.environ.setdefault("THREEFOLD_CACHE", tempfile.mkdtemp(prefix="threefold-tests-"))
