"""Makes system calls of real programs fail, one after another, and judges the spool that is left."""

import sys
from pathlib import Path

_TESTS = Path(__file__).resolve().parents[2]
sys.path += [str(_TESTS / "Verifier"), str(_TESTS / "StopTrials")]
