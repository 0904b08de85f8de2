"""``run(...)`` without a Network: everything that the calling code can see by name runs together."""

from __future__ import annotations

from collections.abc import Mapping

from eqsnn.errors import EqsnnError
from eqsnn.network.base import SimObject
from eqsnn.network.namespace import user_namespace
from eqsnn.network.neurongroup import Subgroup
from eqsnn.runtime.simulation import Network
from eqsnn.units import Quantity

_network: Network | None = None


def visible(space: Mapping[str, object]) -> list[SimObject]:
    """The objects among the values of a namespace, each once."""
    found = {id(o): o for o in space.values() if isinstance(o, SimObject) and not isinstance(o, Subgroup)}
    for o in list(found.values()):
        found.update((id(inner), inner) for inner in o.contained())
    return list(found.values())


def magic_network(space: Mapping[str, object] | None = None) -> Network:
    """The network of the objects that the calling code can see; its time goes on as long as they are the same, or have grown in number."""
    global _network
    objects = visible(space if space is not None else user_namespace())
    if not objects:
        raise EqsnnError(
            "run(): there is nothing to run among the names here; make groups first, or use Network(...).run()"
        )
    before = set(_network.objects) if _network is not None else set()
    kept = before & set(objects)
    if not kept:
        _network = Network(*objects)
        return _network
    missing = sorted(o.name for o in before - set(objects))
    if missing:
        raise EqsnnError(
            f"run(): '{missing[0]}' took part in the last run and cannot be seen here; use Network(...) to say which objects run together"
        )
    _network.add(*objects)
    return _network


def run(
    duration: Quantity,
    report=None,
    report_period: Quantity | None = None,
    namespace: Mapping[str, object] | None = None,
) -> None:
    """Run all objects that the calling code can see by name (not those inside lists or dicts). See :meth:`Network.run`."""
    space = user_namespace()
    magic_network(space).run(duration, report, report_period, namespace if namespace is not None else space)


def stop() -> None:
    """End the current run after this step."""
    if _network is not None:
        _network.stop()


def start_scope() -> None:
    """Forget the objects made so far: the next ``run`` starts at t = 0 with what is visible then."""
    global _network
    _network = None
