"""Devices: every script runs compiled in this process, so a device is a name, and choosing one says so once."""

from __future__ import annotations

from collections.abc import Mapping

from eqsnn.brian.manners import seed
from eqsnn.errors import EqsnnError
from eqsnn.network.notices import tell_once
from eqsnn.runtime.script import Script

_OPTIONS = {
    "directory", "compile", "run", "debug", "clean", "with_output", "results_directory", "run_args", "direct_call",
    "additional_source_files",
}  # fmt: skip


class Device:
    """A device of Brian 2. ``build_on_run`` and the options are kept as they were given, and change nothing."""

    name = "runtime"

    def __init__(self) -> None:
        self.build_on_run, self.build_options = True, {}

    def activate(self, build_on_run: bool = True, **kwargs) -> None:
        """Take the options of ``set_device``."""
        self._check_options(kwargs)
        self.build_on_run, self.build_options = build_on_run, kwargs

    def _check_options(self, kwargs: dict[str, object]) -> None:
        unknown = sorted(set(kwargs) - _OPTIONS)
        if unknown:
            raise TypeError(
                f"the device '{self.name}' has no option '{unknown[0]}'; there are {', '.join(sorted(_OPTIONS))}"
            )

    def build(self, **kwargs) -> None:
        """Nothing is left to do, since each ``run`` has built what it needed and has run; with ``run_args``, run again with them."""
        self._check_options(kwargs)
        if kwargs.get("run_args"):
            self.run(run_args=kwargs["run_args"])

    def reinit(self) -> None:
        """Forget the options."""
        self.build_on_run, self.build_options = True, {}

    def leave(self) -> None:
        """Another device is chosen."""

    def __reduce__(self):
        return _known, (self.name,)

    def delete(self, data: bool = True, code: bool = True, directory: bool = True, force: bool = False) -> None:
        """Nothing was written that would have to be deleted."""

    def seed(self, seed: int | None = None) -> None:
        """As the function ``seed``."""
        _seed(seed)

    def run(self, directory=None, results_directory=None, with_output=True, run_args=None) -> None:
        """Refused: only the standalone device runs again what has run."""
        raise EqsnnError(
            "device.run() is for set_device('cpp_standalone'), which must be chosen before the model is made"
        )

    def apply_run_args(self) -> None:
        """Refused: see ``run``."""
        raise EqsnnError("device.apply_run_args() is for set_device('cpp_standalone')")

    def insert_code(self, slot: str, code: str) -> None:
        """Refused: see the message."""
        raise EqsnnError(
            "device.insert_code(): there is no C++ project to insert code into; use a function with implementation()"
        )

    insert_device_code = insert_code

    def __repr__(self) -> str:
        return f"<device '{self.name}'>"


_seed = seed


class RuntimeDevice(Device):
    """The device of a script that chooses none."""


class CPPStandaloneDevice(Device):
    """The device of ``set_device('cpp_standalone')``."""

    name = "cpp_standalone"

    def __init__(self) -> None:
        super().__init__()
        self._script = Script()

    def activate(self, build_on_run: bool = True, **kwargs) -> None:
        """Take the options of ``set_device``, and keep what the script does from now on, for ``run``."""
        super().activate(build_on_run, **kwargs)
        self._script.forget()
        self._script.listen()

    def leave(self) -> None:
        """Another device is chosen: let go of what the script has done."""
        self._script.forget()

    def reinit(self) -> None:
        """Forget the options, and what the script has done."""
        super().reinit()
        self._script.forget()

    def run(self, directory=None, results_directory=None, with_output=True, run_args=None) -> None:
        """Do all that the script has done since the device was chosen again: initial values, connections, runs.

        ``run_args``: new values by variable (``G.tau``) or TimedArray, in place of those at the first run, or where ``apply_run_args`` was
        called. No directory is written to.
        """
        if run_args is not None and not isinstance(run_args, Mapping):
            raise TypeError(f"run_args is a dict of values by variable or TimedArray; got {run_args!r}")
        self._script.again(run_args or {})

    def apply_run_args(self) -> None:
        """Say where ``run_args`` take the place of values: here, not before the first run."""
        self._script.apply_here()


all_devices: dict[str, Device] = {"runtime": RuntimeDevice(), "cpp_standalone": CPPStandaloneDevice()}
_chosen: list[Device] = [all_devices["runtime"]]


def _known(name: str) -> Device:
    return all_devices[name]


def get_device() -> Device:
    """The device chosen last."""
    return _chosen[-1]


def set_device(device: str | Device, build_on_run: bool = True, **kwargs) -> None:
    """Accept the choice of a device. Scripts run compiled, one run after the other, whatever it is."""
    found = all_devices.get(device) if isinstance(device, str) else device
    if not isinstance(found, Device):
        raise EqsnnError(f"there is no device {device!r}; there are {', '.join(map(repr, all_devices))}")
    get_device().leave()
    found.activate(build_on_run, **kwargs)
    _chosen.append(found)
    if found.name != "runtime":
        tell_once(
            f"set_device('{found.name}') changes nothing: the script runs compiled as always, each run() when it is called, "
            "and no project is written"
        )


def reset_device(device: str | Device | None = None) -> None:
    """Go back to the device chosen before, or to ``device``."""
    if device is not None:
        set_device(device)
    elif len(_chosen) > 1:
        _chosen.pop().leave()


def reinit_devices() -> None:
    """Forget the options of all devices."""
    for one in all_devices.values():
        one.reinit()


reinit_and_delete = reinit_devices


class CurrentDeviceProxy:
    """``device``: whatever device is chosen."""

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(get_device(), name)

    def __repr__(self) -> str:
        return repr(get_device())


device = CurrentDeviceProxy()
