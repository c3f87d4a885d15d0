"""A room with lamp, gate and stop inputs: the real programs, units and drivers; every end of a lesson, and its time.

The guest's own play (classroom/) makes the checks; here is its table of times. LENSCAP_TRIALS=200 takes
more of them, LENSCAP_LOADS="idle" under some loads alone, LENSCAP_CAUSES="call button" of some causes alone;
LENSCAP_ACTS="lesson disk" plays some acts alone.
"""

import json
import os

from appliance.guest import copy_into
from appliance.scenario import PACKAGE

GUEST_CHECKS = 68
TIME_LIMIT = 900
PROGRAMS = ["lenscapd", "lenscap-recorder", "lenscap-uploader", "lenscap"]
VIRTUAL_USB = True
TRIALS = 2


def prepare(stage):
    copy_into(PACKAGE / "Tests" / "StopTrials" / "trials", stage.incoming / "trials")
    options = {name: os.environ.get(f"LENSCAP_{name.upper()}", "").split() for name in ("acts", "causes", "loads")}
    options["trials"] = int(os.environ.get("LENSCAP_TRIALS", TRIALS))
    (stage.incoming / "options.json").write_text(json.dumps(options))


def check(stage, verdict):
    table = verdict.attempt("the guest took the times",
                            lambda: json.loads((stage.outgoing / "timing.json").read_text()))
    if not table:
        return
    print(f"  from cause to last node closed; one round trip = {table['round_trip']:.2f} ms")
    print(f"  {'cause':18} {'load':5} {'n':>4}  {'p50':>9} {'p99':>9} ms  {'p50':>7} {'p99':>7} round trips")
    for row in table["rows"]:
        ms, trips = row["ms"], row["round_trips"]
        print(f"  {row['cause']:18} {row['load']:5} {row['n']:4}  {ms['p50']:9.1f} {ms['p99']:9.1f}     "
              f"{trips['p50']:7.1f} {trips['p99']:7.1f}")
    total = sum(row["n"] for row in table["rows"])
    verdict.equal("every trial closed the devices", total,
                  len(table["rows"]) * int(os.environ.get("LENSCAP_TRIALS", TRIALS)))
