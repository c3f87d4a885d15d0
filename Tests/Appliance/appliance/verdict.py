"""What holds and what does not: one line per check, and the counts."""

from pathlib import Path


class Verdict:
    """Collects checks. Each is a sentence that says what holds; a failed one also says what was found."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def that(self, sentence: str, holds: bool, found: str = "") -> bool:
        if holds:
            self.passed += 1
            print(f"  pass  {sentence}" + (f" ({found})" if found else ""), flush=True)
        else:
            self.failed += 1
            print(f"  FAIL  {sentence}" + (f": {found}" if found else ""), flush=True)
        return holds

    def equal(self, sentence: str, found, expected) -> bool:
        return self.that(sentence, found == expected, f"{found}" if found == expected else f"{found}, not {expected}")

    def near(self, sentence: str, found: float, expected: float, tolerance: float, unit: str = "") -> bool:
        """`tolerance` is a share of the expected value: 0.02 for 2 %."""
        holds = abs(found - expected) <= abs(expected) * tolerance
        return self.that(sentence, holds, f"{found:g} {unit} against {expected:g} ± {tolerance:.1%}".replace("  ", " "))

    def attempt(self, sentence: str, action):
        """Runs an action that throws when something is wrong; returns its result, or None after a failed check."""
        try:
            result = action()
        except Exception as error:  # whatever went wrong is the finding
            self.that(sentence, False, f"{type(error).__name__}: {error}")
            return None
        self.that(sentence, True)
        return result

    def guest_checks(self, file: Path, count: int) -> None:
        """Takes over the checks that a scenario made inside its guest.

        `count` is how many the scenario makes: one that stops halfway must not look green.
        """
        lines = file.read_text().splitlines() if file.exists() else []
        for line in lines:
            outcome, sentence, found = (line.split("\t") + ["", ""])[:3]
            self.that(f"[guest] {sentence}", outcome == "pass", found)
        if len(lines) != count:
            self.that(f"[guest] {count} checks were made", False, f"{len(lines)} were")

    def summary(self) -> str:
        return f"{self.passed} passed, {self.failed} failed"
