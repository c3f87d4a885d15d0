"""Checks as guest.sh makes them: a line each in /out/checks."""

import time
import traceback


def say(text: str) -> None:
    print(f"[{time.clock_gettime(time.CLOCK_BOOTTIME):.2f}] {text}", flush=True)


def check(sentence: str, problems: list) -> None:
    """The sentence holds when there are no problems."""
    text = "; ".join(map(str, problems)).replace("\n", " ").replace("\t", " ")
    with open("/out/checks", "a", encoding="utf-8") as file:
        file.write(f"{'fail' if problems else 'pass'}\t{sentence}\t{text[:2000]}\n")
    say(f"{'FAIL' if problems else 'pass'}: {sentence}" + (f": {text[:2000]}" if problems else ""))


def attempt(sentence: str, action) -> None:
    """The check of what `action` finds; what it throws is found, too."""
    try:
        problems = action()
    except Exception as error:  # whatever went wrong is the finding
        traceback.print_exc()
        problems = [f"{type(error).__name__}: {error}"]
    check(sentence, problems)


def differs(found, expected) -> list:
    return [] if found == expected else [f"{found}, not {expected}"]
