"""Devices: every script runs compiled in this process, so a device is a name, and choosing one says so once."""

from __future__ import annotations

from eqsnn.brian.manners import seed
from eqsnn.errors import EqsnnError
from eqsnn.network.notices import tell_once

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
        if kwargs.get("run_args"):
            raise EqsnnError(f"run_args: {_RUN_AGAIN}")

    def build(self, **kwargs) -> None:
        """Nothing is left to do: each ``run`` has built what it needed and has run."""
        self._check_options(kwargs)

    def reinit(self) -> None:
        """Forget the options."""
        self.build_on_run, self.build_options = True, {}

    def delete(self, data: bool = True, code: bool = True, directory: bool = True, force: bool = False) -> None:
        """Nothing was written that would have to be deleted."""

    def seed(self, seed: int | None = None) -> None:
        """As the function ``seed``."""
        _seed(seed)

    def run(self, *args, **kwargs) -> None:
        """Refused: see the message."""
        raise EqsnnError(f"device.run(): {_RUN_AGAIN}")

    def apply_run_args(self) -> None:
        """Refused: see the message."""
        raise EqsnnError(f"device.apply_run_args(): {_RUN_AGAIN}")

    def insert_code(self, slot: str, code: str) -> None:
        """Refused: see the message."""
        raise EqsnnError(
            "device.insert_code(): there is no C++ project to insert code into; use a function with implementation()"
        )

    insert_device_code = insert_code

    def __repr__(self) -> str:
        return f"<device '{self.name}'>"


_RUN_AGAIN = (
    "run() has run already when it returns, and nothing is compiled again when values change; "
    "write a loop that sets the values and calls run(), with store() before and restore() in it"
)
_seed = seed


class RuntimeDevice(Device):
    """The device of a script that chooses none."""


class CPPStandaloneDevice(Device):
    """The device of ``set_device('cpp_standalone')``."""

    name = "cpp_standalone"


all_devices: dict[str, Device] = {"runtime": RuntimeDevice(), "cpp_standalone": CPPStandaloneDevice()}
_chosen: list[Device] = [all_devices["runtime"]]


def get_device() -> Device:
    """The device chosen last."""
    return _chosen[-1]


def set_device(device: str | Device, build_on_run: bool = True, **kwargs) -> None:
    """Accept the choice of a device. Scripts run compiled, one run after the other, whatever it is."""
    found = all_devices.get(device) if isinstance(device, str) else device
    if not isinstance(found, Device):
        raise EqsnnError(f"there is no device {device!r}; there are {', '.join(map(repr, all_devices))}")
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
        _chosen.pop()


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
