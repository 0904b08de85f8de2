"""Names of Brian 2 that cannot be supported: they exist, and say why when they are used."""

from __future__ import annotations

from eqsnn.errors import EqsnnError

_SPATIAL = "neurons with a spatial extent are not part of this version"
_CODE = "there is no code object to choose or to read: every kernel is compiled; `eqsnn check --source` prints them"
_VARIABLES = "variables are not objects of their own here; read and set them as attributes of their group"
_TEXT = "strings are given to the groups directly"

REASONS: dict[str, str] = {
    **dict.fromkeys(("SpatialNeuron", "SpatialSubgroup", "Morphology", "Soma", "Cylinder", "Section"), _SPATIAL),
    "ExplicitStateUpdater": "a method of integration is a file in eqsnn/integrators (README, 'To add a method'), not a description",
    "UnsupportedEquationsException": "a method that cannot integrate the equations raises EquationError",
    "extract_method_options": "options of a method are given as method_options= of the group",
    "CodeRunner": "a group runs the operations that its equations ask for; use @network_operation for one of your own",
    "ImportExport": "get_states() and set_states() take and give dicts",
    **dict.fromkeys(("is_constant_over_dt",), _TEXT),
    **dict.fromkeys(("codegen_targets", "CodeObject", "constant_or_scalar", "CodeObjectUpdater"), _CODE),
    **dict.fromkeys(
        (
            "Variable",
            "Constant",
            "ArrayVariable",
            "DynamicArrayVariable",
            "Subexpression",
            "AuxiliaryVariable",
            "Variables",
            "LinkedVariable",
            "variables_by_owner",
            "get_dtype",
        ),
        _VARIABLES,
    ),
    **dict.fromkeys(
        ("check_dimensions", "check_units_statements", "add_refractoriness", "check_identifier_refractory"),
        "units and identifiers of equations are checked when a group is made",
    ),
    **dict.fromkeys(("parse_string_equations", "extract_constant_subexpressions"), _TEXT),
    **dict.fromkeys(
        ("str_to_sympy", "sympy_to_str", "NodeRenderer", "NumpyNodeRenderer", "CPPNodeRenderer", "SympyNodeRenderer"),
        "expressions are parsed by eqsnn.language, and nothing is printed in order to be parsed again",
    ),
    **dict.fromkeys(("DynamicArray", "DynamicArray1D", "SpikeQueue"), "memory belongs to the engine"),
    **dict.fromkeys(("test", "run_tests"), "the tests of eqsnn are run with `python -m pytest` in its sources"),
    "auto_target": _CODE,
    "SymbolicConstant": "constants of equations are given in a namespace",
    "FunctionImplementation": "an implementation is given with @implementation('cython', code)",
}


class _Refusing(type):
    """The metaclass of a name that can be imported and compared with, and nothing else."""

    reason: str

    def _refuse(cls) -> EqsnnError:
        return EqsnnError(f"eqsnn.brian has no {cls.__name__}: {cls.reason}")

    def __call__(cls, *args, **kwargs):
        raise cls._refuse()

    def __getattr__(cls, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        raise cls._refuse()

    def __iter__(cls):
        raise cls._refuse()

    def __getitem__(cls, item):
        raise cls._refuse()

    def __instancecheck__(cls, instance) -> bool:
        return False

    def __repr__(cls) -> str:
        return f"<{cls.__name__}: not supported, {cls.reason}>"


def refused(name: str, reason: str) -> type:
    """A class called ``name`` that raises ``EqsnnError`` with the reason when it is called, subclassed or asked for an attribute."""

    def no_subclass(cls, **options):
        raise _Refusing._refuse(cls.__mro__[1])

    namespace = {"reason": reason, "__doc__": f"Not supported: {reason}."}
    made = _Refusing(name, (), namespace)
    made.__init_subclass__ = classmethod(no_subclass)
    return made


class _Interface(type):
    """The metaclass of a class of Brian 2 that is there for ``isinstance``: objects of eqsnn's own classes are its instances."""

    stands_for: tuple[type, ...]
    reason: str

    def __instancecheck__(cls, instance) -> bool:
        return isinstance(instance, cls.stands_for)

    def __subclasscheck__(cls, other) -> bool:
        return other is cls or issubclass(other, cls.stands_for)

    def __call__(cls, *args, **kwargs):
        raise EqsnnError(f"{cls.__name__} cannot be made here: {cls.reason}")


def interface(name: str, stands_for: type | tuple[type, ...], reason: str) -> type:
    """A class for ``isinstance(x, name)``, true for objects of ``stands_for``; making or subclassing one raises."""

    def no_subclass(cls, **options):
        raise EqsnnError(f"{name} cannot be subclassed here: {reason}")

    kinds = stands_for if isinstance(stands_for, tuple) else (stands_for,)
    made = _Interface(name, (), {"stands_for": kinds, "reason": reason, "__doc__": f"For isinstance: {reason}."})
    made.__init_subclass__ = classmethod(no_subclass)
    return made
