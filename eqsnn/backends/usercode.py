"""Code that a user wrote for a function, compiled apart from the model behind the one way in which kernels call functions (eq_abi.h, eq_call).

Since it is called through a pointer, its text never changes a kernel, and a kernel is not compiled again when it changes.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.machinery
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from eqsnn.backends import cache, compiler
from eqsnn.backends.render import environment, prelude
from eqsnn.errors import CompileError, EqsnnError

_MODULE = "eq_user"
C_TYPES = {"f64": "double", "i64": "int64_t", "b8": "int64_t"}
_BUILT_IN = {"clip": 3, "sign": 1, "exprel": 1, "timestep": 2, "expm1": 1, "log1p": 1, "log10": 1, "sqrt": 1, "exp": 1, "log": 1,
             "sin": 1, "cos": 1, "tan": 1, "sinh": 1, "cosh": 1, "tanh": 1, "abs": 1, "floor": 1, "ceil": 1}  # fmt: skip
_IN_LIBM = {
    "expm1",
    "log1p",
    "log10",
    "sqrt",
    "exp",
    "log",
    "sin",
    "cos",
    "tan",
    "sinh",
    "cosh",
    "tanh",
    "floor",
    "ceil",
    "abs",
}


@dataclass
class Compiled:
    """An entry point, and what tells of exceptions where the language has them."""

    address: int
    module: object = None

    def report_to(self, tell: Callable[[BaseException], None]) -> None:
        """Call ``tell`` with what the code raises."""
        if hasattr(self.module, "tell"):
            self.module.tell(tell)


def compiled(code, arguments: tuple[str, ...], result: str) -> Compiled:
    """The entry point of an implementation (network.functions.Implementation) for these kernel types. Raises CompileError."""
    source = _cython_source(code, arguments, result) if code.target == "cython" else _c_source(code, arguments, result)
    build = _build_cython if code.target == "cython" else _build_c
    return build(code, source)


def dependencies_of(code) -> tuple[list[str], list[str]]:
    """The names of the vocabulary that the code calls and that its language does not have, and the code of other functions of the user."""
    names, texts = [], []
    for name, wanted in code.dependencies:
        if hasattr(wanted, "implementations"):
            if code.target not in wanted.implementations:
                raise EqsnnError(f"'{code.name}' depends on '{name}', which has no code for '{code.target}'")
            other = wanted.implementations[code.target]
            texts += [*dependencies_of(other)[1], other.code]
            names += dependencies_of(other)[0]
        elif name not in _BUILT_IN:
            raise EqsnnError(
                f"'{code.name}' depends on '{name}', which code of a user cannot call; it may depend on {', '.join(_BUILT_IN)}"
            )
        elif name not in _IN_LIBM:
            names.append(name)
    return list(dict.fromkeys(names)), list(dict.fromkeys(texts))


def _c_source(code, arguments: tuple[str, ...], result: str) -> str:
    names, texts = dependencies_of(code)
    template = environment().get_template("c/user_function.c.j2")
    return template.render(
        name=code.name,
        code="\n".join((*texts, code.code)),
        math=prelude()[1] if names else "",
        dependencies=names,
        headers=code.options.get("headers", ()),
        cpp=code.target == "cpp",
        arguments=[C_TYPES[t] for t in arguments],
        result=C_TYPES[result],
    )


def _cython_source(code, arguments: tuple[str, ...], result: str) -> str:
    names, texts = dependencies_of(code)
    template = environment().get_template("cython/user_function.pyx.j2")
    return template.render(
        name=code.name,
        code="\n\n".join(_dedented(t) for t in (*texts, code.code)),
        math=prelude()[1] if names else "",
        dependencies=[(n, ", ".join(["double"] * _BUILT_IN[n])) for n in names],
        arguments=[C_TYPES[t] for t in arguments],
        result=C_TYPES[result],
    )


def cuda_code(owner: str, extern, function) -> str:
    """The code for a GPU of a function that a kernel of ``owner`` calls: what it depends on, and, where it goes by another name, that of the call.
    Raises EqsnnError if it has none, or if the order of its calls matters."""
    name = extern.function
    code = getattr(getattr(function, "function", None), "implementations", {}).get("cuda")
    if extern.stateful:
        raise EqsnnError(
            f"'{owner}' calls the function '{name}', which has a state (stateless=False): its calls have an order, and those on a GPU have none; "
            "choose another backend (eqsnn.settings.backend = 'c')"
        )
    if code is None:
        raise EqsnnError(
            f"'{owner}' calls the function '{name}', which has no code for a GPU; give it as an expression, eqsnn.function('{name}(x) = ...'), "
            f"or add @implementation('cuda', '__device__ double {name}(double x) {{ ... }}')"
        )
    names, texts = dependencies_of(code)
    lines = [*(f"#define {n} eq_{n}" for n in names), *texts, code.code, *(f"#undef {n}" for n in names)]
    if code.name != name:
        types = [C_TYPES[a.type] for a in extern.args]
        given = ", ".join(f"{t} a{k}" for k, t in enumerate(types))
        call = f"{code.name}({', '.join(f'a{k}' for k in range(len(types)))})"
        lines.append(f"EQ_FN {C_TYPES[extern.type]} {name}({given}) {{ return {call}; }}")
    return "\n".join(lines)


def _dedented(text: str) -> str:
    import textwrap

    return textwrap.dedent(text).strip("\n")


def _options(code) -> list[str]:
    given = code.options
    flags = [f"-I{d}" for d in given.get("include_dirs", ())]
    for macro in given.get("define_macros", ()):
        flags.append(
            f"-D{macro}"
            if isinstance(macro, str)
            else f"-D{macro[0]}"
            if macro[1] is None
            else f"-D{macro[0]}={macro[1]}"
        )
    return flags


def _libraries(code) -> list[str]:
    given = code.options
    flags = [f"-L{d}" for d in given.get("library_dirs", ())]
    flags += [f"-Wl,-rpath,{d}" for d in given.get("runtime_library_dirs", ())]
    return [*flags, *(f"-l{name}" for name in given.get("libraries", ())), "-lm"]


def _build_c(code, source: str) -> Compiled:
    command = cpp_compiler() if code.target == "cpp" else compiler.compiler().command
    standard = "-std=c++14" if code.target == "cpp" else "-std=gnu11"
    name = "user.cpp" if code.target == "cpp" else "user.c"
    files = tuple(code.options.get("sources", ()))
    key = _key(code, source, command, files)
    path = cache.find(key, ".so")
    if path is None:
        path = _run(code, key, name, source, [[*command, *compiler.compiler().flags, standard, "-shared", *_options(code), name, *files,
                                               *_libraries(code), "-o", "user.so"]])  # fmt: skip
    library = _loaded(str(path))
    return Compiled(ctypes.cast(library.eq_enter_user, ctypes.c_void_p).value, library)


def _build_cython(code, source: str) -> Compiled:
    if code.options.get("sources") or code.options.get("headers"):
        raise EqsnnError(
            f"'{code.name}': sources= and headers= are for 'c' and 'cpp'; put all code of 'cython' into the string"
        )
    include = sysconfig.get_paths()["include"]
    command = compiler.compiler().command
    key = _key(code, source, (*command, sys.version, include), ())
    path = cache.find(key, ".so")
    if path is None:
        translate = [sys.executable, "-m", "cython", "-3", f"{_MODULE}.pyx", "-o", f"{_MODULE}.c"]
        build = [
            *command,
            *compiler.compiler().flags,
            "-shared",
            "-I",
            include,
            *_options(code),
            f"{_MODULE}.c",
            *_libraries(code),
            "-o",
            "user.so",
        ]
        path = _run(code, key, f"{_MODULE}.pyx", source, [translate, build])
    module = _module(str(path))
    return Compiled(module.address(), module)


def _key(code, source: str, command: tuple[str, ...], files: tuple[str, ...]) -> str:
    texts = [Path(f).read_text(encoding="utf-8") for f in files if Path(f).is_file()]
    options = repr(sorted((k, v) for k, v in code.options.items()))
    return cache.key_of("user", code.target, source, *command, compiler.compiler().identity(), options, *texts)


def _run(code, key: str, name: str, source: str, commands: list[list[str]]) -> Path:
    folder = cache.workspace()
    (folder / name).write_text(source, encoding="utf-8")
    try:
        for command in commands:
            environment = compiler.environment()
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                log = re.sub(r"(?m)^.*warning:.*$\n?", "", done.stdout + done.stderr).strip()
                raise CompileError(
                    f"the code of the function '{code.name}' for '{code.target}' did not compile (exit code {done.returncode}):\n"
                    f"  {shlex.join(command)}\n{log}"
                )
        return cache.store(key, ".so", folder / "user.so")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def cpp_compiler() -> tuple[str, ...]:
    """The C++ compiler: CXX if set, else c++, g++, clang++, or that of the package ziglang. Raises CompileError."""
    given = os.environ.get("CXX")
    if given:
        return tuple(shlex.split(given))
    for name in ("c++", "g++", "clang++"):
        if path := shutil.which(name):
            return (path,)
    if importlib.util.find_spec("ziglang") is not None:
        return (sys.executable, "-m", "ziglang", "c++")
    raise CompileError(
        "no C++ compiler was found, and code for 'cpp' or 'cuda-host' needs one; install one (Debian/Ubuntu: apt install g++)"
    )


@functools.cache
def _loaded(path: str) -> ctypes.CDLL:
    return ctypes.CDLL(path)


@functools.cache
def _module(path: str):
    loader = importlib.machinery.ExtensionFileLoader(_MODULE, path)
    spec = importlib.util.spec_from_file_location(_MODULE, path, loader=loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module
