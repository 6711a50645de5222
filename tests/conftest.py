"""Settings of every test. Hypothesis tries the same examples each time in CI, and never minds a slow first one."""

import os

from hypothesis import settings

settings.register_profile("workbook", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("workbook")
