"""Kernels as machine code: kept from run to run, and called without the compiler that made them.

A kernel's code is found by what it was made from: its own source as bytecode, that of all it calls, the
constants it names, the compiler and the processor. Code is called through ctypes, which releases the GIL. Each
call tells it the addresses of array objects, from which it reads where their elements are, as any extension
module does (`PyArrayObject` is part of numpy's stable binary interface); it first checks that they are arrays of the
type, dimensions and layout that it was compiled for, and says so if not.
"""

import builtins
import ctypes
import hashlib
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import llvmlite
import llvmlite.binding as llvm
import msgspec
import numpy as np

from vedette.kernels.cache import kernel_directory, read_cached, write_cached
from vedette.kernels.compile import CHECKED
from vedette.kernels.function import Intrinsic, MisfitError, Subkernel, kind_of

MAGIC = b"vedette kernel 1\n"


class Compiled(msgspec.Struct, array_like=True, frozen=True):
    """Machine code of one kernel for one set of argument types.

    Attributes:
        symbol: The function's name in the code.
        result: `i` (an integer), `f` (a float), `b` (a truth value) or `n` (nothing).
        code: An object file.
    """

    symbol: str
    result: str
    code: bytes


class Entry:
    """Machine code that is loaded and can be called."""

    def __init__(self, compiled: Compiled, kinds: tuple[str, ...], name: str) -> None:
        self._kinds = kinds
        self._name = name
        self._engine = _linker().engine(compiled.symbol)
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(compiled.code))
        self._engine.finalize_object()
        types: list[Any] = [_ARGUMENT.get(kind, ctypes.py_object) for kind in kinds]
        # numba's calling convention: where the result and an exception go, the arguments; 0 if all went well.
        prototype = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * 3, *types)
        self._function = prototype(self._engine.get_function_address(compiled.symbol))
        self._result = compiled.result

    def fit(self, dtypes: Sequence[np.dtype[Any]]) -> Callable[..., Any]:
        """The function that calls the code with arrays of exactly these types, in order.

        It raises `MisfitError` where arguments are others, and, of code that checks it, `IndexError` where an index is
        out of bounds.
        """
        function, result = self._function, self._result
        number = ctypes.c_double if result == "f" else ctypes.c_int64
        known = np.array([id(np.ndarray), *map(id, dtypes)], dtype=np.int64)
        thrown = ctypes.c_void_p()
        table, exception, byref = known.ctypes.data, ctypes.addressof(thrown), ctypes.byref

        def call(*arguments: Any) -> Any:
            out = number()
            if function(byref(out), exception, table, *arguments):
                raise self._refusal(arguments, dtypes)
            return out.value

        def call_for_nothing(*arguments: Any) -> None:
            call(*arguments)

        def call_for_truth(*arguments: Any) -> bool:
            return bool(call(*arguments))

        # Whose addresses the code is given lives as long as it is called.
        call.kept = (known, thrown, tuple(dtypes), self._engine)  # type: ignore[attr-defined] # any name will do
        return {"n": call_for_nothing, "b": call_for_truth}.get(result, call)

    def _refusal(self, arguments: Sequence[Any], dtypes: Sequence[np.dtype[Any]]) -> Exception:
        """Why code did not run to its end."""
        given = [a.dtype for a in arguments if isinstance(a, np.ndarray)]
        same = len(given) == len(dtypes) and all(a is b for a, b in zip(given, dtypes, strict=True))
        if same and tuple(map(kind_of, arguments)) == self._kinds:
            return IndexError(f"{self._name}: an index is out of bounds")
        return MisfitError()


class _Linker:
    """What makes code of object files; making one takes ten times as long as using it for one more."""

    def __init__(self) -> None:
        self._symbols: set[str] = set()
        self._shared = _new_engine()

    def engine(self, symbol: str) -> llvm.ExecutionEngine:
        """One for code of this name: one that holds no other of that name."""
        if symbol in self._symbols:
            return _new_engine()
        self._symbols.add(symbol)
        return self._shared


@cache
def _linker() -> _Linker:
    return _Linker()


def _new_engine() -> llvm.ExecutionEngine:
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), target_machine())


_ARGUMENT = {"i": ctypes.c_int64, "f": ctypes.c_double}


def entry(function: Callable[..., Any], kinds: tuple[str, ...]) -> Entry | None:
    """A kernel's code for these types of arguments, compiled if it is not kept; None if there can be none."""
    path = _place(function, kinds)
    payload = read_cached(path, MAGIC) if path is not None else None
    compiled = _decoded(payload) if payload is not None else None
    if compiled is None:
        from vedette.kernels.compilation import compiled_entry

        compiled = compiled_entry(function, kinds)
        if compiled is None:
            return None
        if path is not None:
            write_cached(
                path, MAGIC, msgspec.msgpack.encode(compiled), f"{path.name.rpartition('-')[0]}-*.bin"
            )
    return Entry(compiled, kinds, _name(function))


def is_kept(function: Callable[..., Any], kinds: tuple[str, ...]) -> bool:
    """Whether a kernel's code for these types of arguments is kept."""
    path = _place(function, kinds)
    return path is not None and path.exists()


def weight(function: Callable[..., Any]) -> int:
    """About how long compiling a kernel takes: the bytes of all that its code is made from."""
    return sum(map(len, _traits(function, set())))


def target_machine() -> llvm.TargetMachine:
    """What code is made for: this processor. A new one for each use: an engine takes its own along when it goes."""
    _initialise()
    name, features = _processor()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=name, features=features, opt=3, codemodel="jitdefault", jit=True
    )


@cache
def _initialise() -> None:
    if int(llvmlite.__version__.split(".")[1]) < 45:
        # From then on LLVM needs none of this.
        llvm.initialize()
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


@cache
def _processor() -> tuple[str, str]:
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


def _decoded(payload: bytes | memoryview) -> Compiled | None:
    try:
        return msgspec.msgpack.decode(payload, type=Compiled)
    except msgspec.MsgspecError:
        return None


def _name(function: Callable[..., Any]) -> str:
    return f"{function.__module__.rpartition('.')[2]}.{function.__name__}"


def _place(function: Callable[..., Any], kinds: tuple[str, ...]) -> Path | None:
    """The file of a kernel's code; None where nothing can be kept."""
    directory = kernel_directory()
    return None if directory is None else directory / _file_name(function, kinds)


@cache
def _file_name(function: Callable[..., Any], kinds: tuple[str, ...]) -> str:
    types = ",".join(kinds).encode()
    digest = hashlib.sha256(MAGIC)
    how = b"checked" if CHECKED else b""
    parts = [how, _compiler(), *(part.encode() for part in _processor()), types, *_traits(function, set())]
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    short = hashlib.sha256(types).hexdigest()[:8]
    return f"{_name(function)}-{short}-{digest.hexdigest()[:24]}.bin"


@cache
def _compiler() -> bytes:
    """Which Python's bytecode, and which numba; asked without importing it."""
    spec = find_spec("numba")
    where = spec.origin if spec is not None and spec.origin is not None else ""
    state = Path(where).stat() if where else None
    size, changed = (state.st_size, state.st_mtime_ns) if state is not None else (0, 0)
    return f"{sys.implementation.cache_tag} {llvmlite.__version__} {where} {size} {changed}".encode()


def _traits(value: Any, seen: set[int]) -> Iterator[bytes]:
    """All that the outcome of compiling something depends on."""
    if isinstance(value, Subkernel):
        yield b"inlined" if value.inlined else b"called"
        value = value.function
    if isinstance(value, Intrinsic):
        yield repr(value.arguments).encode()
        value = value.make
    if isinstance(value, FunctionType):
        yield value.__name__.encode()
        if id(value) not in seen:
            seen.add(id(value))
            yield from _of_code(value.__code__)
            for name, used in references(value):
                yield name.encode()
                yield from _traits(used, seen)
    elif isinstance(value, ModuleType):
        yield value.__name__.encode()
    elif isinstance(value, np.ndarray):
        yield f"{value.dtype.str} {value.shape}".encode()
        yield value.tobytes()
    elif isinstance(value, type) or callable(value):
        yield f"{value.__module__}.{value.__qualname__}".encode()
    else:
        yield repr(value).encode()


def _of_code(code: CodeType) -> Iterator[bytes]:
    yield code.co_code
    yield repr((code.co_names, code.co_varnames, code.co_freevars, code.co_argcount)).encode()
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _of_code(constant)
        else:
            yield repr(constant).encode()


def references(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """What a function names: globals and what it closes over."""
    for name in _names(function.__code__):
        if name in function.__globals__:
            yield name, function.__globals__[name]
        elif hasattr(builtins, name):
            yield name, name
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        yield name, cell.cell_contents


def _names(code: CodeType) -> list[str]:
    inner = [
        name for constant in code.co_consts if isinstance(constant, CodeType) for name in _names(constant)
    ]
    return [*code.co_names, *inner]
