"""The names of methods of integration as objects: ``method=rk4`` is ``method='rk4'``."""

from eqsnn.errors import EqsnnError


class StateUpdateMethod(str):
    """The name of a method of integration."""

    __slots__ = ()

    @staticmethod
    def register(name: str, stateupdater) -> None:
        """Refused: a method is a file here."""
        raise EqsnnError(
            f"the method '{name}' cannot be registered: a method is a file in eqsnn/integrators (README, 'To add a method')"
        )

    def __call__(self, *args, **kwargs):
        raise EqsnnError(
            f"{self}: what a method derives is printed by `eqsnn check`; give it to a group as method='{self}'"
        )


NAMES = """
    linear exact independent milstein heun euler rk2 rk4 exponential_euler gsl_rk2 gsl_rk4 gsl_rkf45 gsl_rkck gsl_rk8pd
""".split()  # noqa: SIM905
METHODS = {name: StateUpdateMethod(name) for name in NAMES}
