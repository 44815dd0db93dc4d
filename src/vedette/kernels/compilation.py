"""Compiling kernels with numba. Imported only when there is something to compile."""

import sys
from collections.abc import Callable
from types import CellType, FunctionType
from typing import Any

import llvmlite.binding as llvm
import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from vedette.kernels.function import Intrinsic, Subkernel
from vedette.kernels.machine_code import Compiled, references, target_machine
from vedette.kernels.translation import plain, translated, translation

_OPTIONS: dict[str, Any] = {
    "nogil": True,
    # Kernels allocate nothing, so arrays need no reference counts: left on, each call of a subkernel costs
    # atomic increments, which took a third of assembly's time.
    "_nrt": False,
    "error_model": "numpy",
    "inline": "never",
}


_OPTIMISED = 3
"""LLVM's level of optimisation."""
_HEAD = object.__basicsize__
_TYPE = _HEAD - 8
_DATA, _DIMENSIONS_COUNT, _DIMENSIONS, _STRIDES, _DESCRIPTION, _FLAGS = (
    _HEAD + offset for offset in (0, 8, 16, 24, 40, 48)
)
"""Offsets in `PyArrayObject_fields` of numpy's `ndarraytypes.h`, on machines of 64 bits."""
_CONTIGUOUS, _ALIGNED = 0x1, 0x100
"""Flags of arrays."""


def dispatcher(function: Callable[..., Any]) -> Any:
    """A kernel as numba runs it."""
    # numba's own cache knows a function by its file alone: a constant that changed elsewhere would stay as it was.
    return numba.njit(**_OPTIONS)(_with_real_references(function))


def subdispatcher(function: Callable[..., Any], *, inlined: bool) -> Any:
    """A subkernel as numba puts it into kernels."""
    return translated(_with_real_references(function), inlined=inlined, **_OPTIONS)


def compiled_entry(function: Callable[..., Any], kinds: tuple[str, ...]) -> Compiled | None:
    """Machine code that runs a kernel with arguments of these kinds; None if there can be none."""
    arguments = tuple(_type(kind) for kind in kinds)
    with plain():
        kernel = translated(_with_real_references(function), **_OPTIONS)
        kernel.compile(arguments)
        result = _result(kernel.overloads[arguments].signature.return_type)
        if result is None or sys.maxsize < 1 << 32:
            return None
        taken = tuple(types.float64 if kind == "f" else types.int64 for kind in ("i", *kinds))
        symbol, assembly = translation(_entry(kernel, kinds, arguments, result), taken)
    # What is called from nowhere else needs no name outside.
    module = llvm.parse_assembly(assembly.replace("define linkonce_odr ", "define internal "))
    if len(list(module.get_function(symbol).arguments)) != len(taken) + 2:
        return None
    machine = target_machine()
    _optimise(module, machine)
    return Compiled(symbol, result, machine.emit_object(module))


def _optimise(module: llvm.ModuleRef, machine: llvm.TargetMachine) -> None:
    """Optimise a kernel and all that it calls for this processor."""
    tuning = llvm.create_pipeline_tuning_options(speed_level=_OPTIMISED)
    tuning.loop_vectorization = True
    tuning.slp_vectorization = False
    passes = llvm.create_pass_builder(machine, tuning)
    passes.getModulePassManager().run(module, passes)


def _with_real_references(function: Callable[..., Any]) -> FunctionType:
    """A copy of a function whose subkernels and intrinsics are numba's."""
    if not isinstance(function, FunctionType):
        raise TypeError(f"{function!r} is no plain function: a kernel has to be one")
    closure = tuple(CellType(_real(cell.cell_contents)) for cell in function.__closure__ or ())
    scope = dict(function.__globals__)
    for name, used in references(function):
        if name in scope:
            scope[name] = _real(used)
    copy = FunctionType(function.__code__, scope, function.__name__, function.__defaults__, closure)
    copy.__qualname__, copy.__module__ = function.__qualname__, function.__module__
    return copy


def _real(value: Any) -> Any:
    if isinstance(value, Subkernel):
        return value.callee
    return value.made if isinstance(value, Intrinsic) else value


def _type(kind: str) -> Any:
    if kind in ("i", "f"):
        return types.int64 if kind == "i" else types.float64
    dtype, _, dimensions = kind.rpartition(":")
    layout: Any = "A" if dimensions.endswith("s") else "C"
    return types.Array(numba.from_dtype(np.dtype(dtype)), int(dimensions.rstrip("s")), layout)


def _result(given: Any) -> str | None:
    for kind, of in (("n", types.NoneType), ("b", types.Boolean), ("i", types.Integer), ("f", types.Float)):
        if isinstance(given, of):
            return kind
    return None


def _entry(kernel: Any, kinds: tuple[str, ...], arguments: tuple[Any, ...], result: str) -> Any:
    """The function that checks and unpacks arguments, and calls the kernel.

    Of arrays it gets the objects' addresses; first of all a table: the addresses of the array type, and of the
    element type of each array.
    """
    scope: dict[str, Any] = {"kernel": kernel, "int64": types.int64, "float64": types.float64}
    checks: list[str] = []
    values: list[str] = []
    for number, (kind, of) in enumerate(zip(kinds, arguments, strict=True)):
        name = f"argument{number}"
        if kind in ("i", "f"):
            values.append(name)
            continue
        scope[f"fits{number}"] = intrinsic(_fits(of, len(checks) + 1))
        scope[f"array{number}"] = intrinsic(_array(of))
        checks.append(f"fits{number}(table, {name})")
        values.append(f"array{number}({name})")
    call = f"kernel({', '.join(values)})"
    names = ", ".join(["table", *(f"argument{number}" for number in range(len(kinds)))])
    lines = [f"def entry({names}):"]
    lines += [f"    if not {check}: raise TypeError" for check in checks]
    if result == "n":
        lines += [f"    {call}", "    return 0"]
    else:
        lines += [f"    return {'float64' if result == 'f' else 'int64'}({call})"]
    exec("\n".join(lines), scope)  # noqa: S102 - nothing in it comes from outside
    return translated(scope["entry"], **_OPTIONS)


_WORD = ir.IntType(64)


def _load(builder: Any, base: Any, offset: int, width: int = 64) -> Any:
    """The whole number of so many bits at an address plus an offset."""
    address = builder.add(base, ir.Constant(_WORD, offset))
    return builder.load(builder.inttoptr(address, ir.IntType(width).as_pointer()))


def _fits(of: Any, place: int) -> Any:
    """`fits(table, object)`: whether an object is an array as expected; its element type is in the table."""
    wanted = _ALIGNED | (_CONTIGUOUS if of.layout == "C" else 0)

    def fits(_typing: Any, _table: Any, _argument: Any) -> Any:
        def codegen(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            table, given = arguments
            described = builder.alloca(ir.IntType(1))
            right_type = builder.icmp_signed("==", _load(builder, given, _TYPE), _load(builder, table, 0))
            builder.store(right_type, described)
            with builder.if_then(right_type):
                flags = builder.and_(_load(builder, given, _FLAGS, 32), ir.Constant(ir.IntType(32), wanted))
                same = [
                    (_load(builder, given, _DESCRIPTION), _load(builder, table, 8 * place)),
                    (
                        _load(builder, given, _DIMENSIONS_COUNT, 32),
                        ir.Constant(ir.IntType(32), of.ndim),
                    ),
                    (flags, ir.Constant(ir.IntType(32), wanted)),
                ]
                right = right_type
                for one, other in same:
                    right = builder.and_(right, builder.icmp_signed("==", one, other))
                builder.store(right, described)
            return builder.load(described)

        return types.boolean(types.int64, types.int64), codegen

    return fits


def _array(of: Any) -> Any:
    """`array(object)`: the array that an object is, which must outlive the call and must fit."""

    def array(_typing: Any, _argument: Any) -> Any:
        def codegen(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            made = context.make_array(of)(context, builder)
            size = ir.Constant(_WORD, np.dtype(str(of.dtype)).itemsize)
            dimensions = _load(builder, arguments[0], _DIMENSIONS)
            shape = [_load(builder, dimensions, 8 * d) for d in range(of.ndim)]
            if of.layout == "C":
                strides = [size]
                for extent in reversed(shape[1:]):
                    strides.insert(0, builder.mul(strides[0], extent))
            else:
                given = _load(builder, arguments[0], _STRIDES)
                strides = [_load(builder, given, 8 * d) for d in range(of.ndim)]
            populate_array(  # type: ignore[no-untyped-call] # numba's
                made,
                data=builder.inttoptr(_load(builder, arguments[0], _DATA), made.data.type),
                shape=shape,
                strides=strides[: of.ndim],
                itemsize=size,
                meminfo=None,
            )
            return made._getvalue()  # noqa: SLF001 - how numba's own intrinsics hand out an array

        return of(types.int64), codegen

    return array
