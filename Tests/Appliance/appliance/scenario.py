"""A scenario: a folder with what runs in the guest (`guest.sh`) and what the host makes of it (`check.py`).

`check.py` defines

- a docstring whose first line is shown by `run --list`,
- `GUEST_CHECKS`, how many checks guest.sh makes,
- `check(stage, verdict)`: judges what came out in `stage.outgoing`,

and, where it needs them,

- `PROGRAMS`: the Lenscap programs that must be there,
- `VIRTUAL_USB = True`: the guest gets the virtual USB camera and microphone,
- `TIME_LIMIT`: seconds from boot to power-off, 300 unless told,
- `prepare(stage)`: puts further files into `stage.incoming`,
- `drive(stage)`: replaces the default of one guest booted once and waited for. It must return an exit status.
"""

import importlib.util
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import ModuleType

from .guest import Guest, copy_into
from .host import Failure, progress, tail
from .image import Image
from .usb import virtual_usb
from .verdict import Verdict

APPLIANCE = Path(__file__).resolve().parent.parent
PACKAGE = APPLIANCE.parent.parent
SCENARIOS = APPLIANCE / "scenarios"
DEFAULT_TIME_LIMIT = 300


class Stage:
    """Where one scenario plays: its folder, its guests, its programs."""

    def __init__(self, name: str, image: Image, programs: Path, patience: float):
        self.name = name
        self.image = image
        self.programs = programs
        self.patience = patience
        self.module = load(name)
        self.folder = Path(tempfile.mkdtemp(prefix=f"lenscap-appliance-{name}-"))
        self.guests: list[Guest] = []
        self.guest = self.new_guest(name)

    @property
    def incoming(self) -> Path:
        return self.guest.incoming

    @property
    def outgoing(self) -> Path:
        return self.guest.outgoing

    def new_guest(self, name: str) -> Guest:
        """A further guest with shared folders of its own, for scenarios with several boxes."""
        guest = Guest(self.image, self.folder / name, self.patience)
        self.guests.append(guest)
        copy_into(APPLIANCE / "guest", guest.incoming / "guest")
        copy_into(SCENARIOS / self.name, guest.incoming / "scenario")
        for shipped in ("systemd", "udev"):
            copy_into(PACKAGE / shipped, guest.incoming / shipped)
        for program in getattr(self.module, "PROGRAMS", []):
            source = self.programs / program
            if not source.is_file():
                raise Failure(f"there is no {source}; build it (swift build -c release --static-swift-stdlib) "
                              f"or name its folder with --programs")
            copy_into(source, guest.incoming / "programs" / program)
        if getattr(self.module, "VIRTUAL_USB", False):
            copy_into(virtual_usb(), guest.incoming / "virtual-usb")
        return guest

    def run(self, verdict: Verdict) -> None:
        if hasattr(self.module, "prepare"):
            self.module.prepare(self)
        drive = getattr(self.module, "drive", _boot_once)
        status = drive(self)
        if not verdict.equal("the scenario ran to its end in the guest", status, 0):
            print(tail(self.outgoing / "scenario.log", 40))
        verdict.guest_checks(self.outgoing / "checks", self.module.GUEST_CHECKS)
        self.module.check(self, verdict)

    @property
    def time_limit(self) -> float:
        return getattr(self.module, "TIME_LIMIT", DEFAULT_TIME_LIMIT)

    def close(self, keep: bool) -> None:
        for guest in self.guests:
            guest.close()
        if keep:
            progress(f"{self.name}: logs and results are in {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)


def _boot_once(stage: Stage) -> int:
    stage.guest.start()
    stage.guest.wait_until_booted()
    return stage.guest.wait(stage.time_limit)


def names() -> list[str]:
    return sorted(path.parent.name for path in SCENARIOS.glob("*/check.py"))


def load(name: str) -> ModuleType:
    file = SCENARIOS / name / "check.py"
    if not file.is_file():
        raise Failure(f"there is no scenario {name!r}; there are: {', '.join(names())}")
    spec = importlib.util.spec_from_file_location(f"scenario_{name.replace('-', '_')}", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def purpose(name: str) -> str:
    return (load(name).__doc__ or "").strip().splitlines()[0]


def play(name: str, image: Image, programs: Path, patience: float, keep: bool, verdict: Verdict) -> None:
    """Plays one scenario into the verdict; whatever goes wrong around it is a failed check, with its logs kept."""
    progress(f"{name}: {purpose(name)}")
    failed_before = verdict.failed
    stage = None
    try:
        stage = Stage(name, image, programs, patience)
        stage.run(verdict)
    except (Failure, OSError, subprocess.SubprocessError) as error:
        verdict.that(f"the scenario {name} could be played", False, str(error))
    except BaseException:
        if stage:
            stage.close(keep=True)
        raise
    if stage:
        stage.close(keep=keep or verdict.failed > failed_before)
