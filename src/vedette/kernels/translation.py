"""numba as far as kernels need it: from Python to LLVM's language, and no further.

numba makes each function that is compiled callable from Python, optimises it and makes machine code of it, then
optimises it again in all that call it. Kernels and what they call are translated only; what comes of it is optimised
once (`vedette.kernels.compilation`).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from numba.core import config, types
from numba.core.compiler import CompilerBase
from numba.core.compiler_lock import global_compiler_lock
from numba.core.compiler_machinery import PassManager, register_pass
from numba.core.registry import CPUDispatcher, CPUTarget, cpu_target
from numba.core.typed_passes import (
    NativeLowering,
    NoPythonBackend,
    NopythonTypeInference,
    PreLowerStripPhis,
)
from numba.core.untyped_passes import (
    FixupArgs,
    GenericRewrites,
    IRProcessing,
    ReconstructSSA,
    RewriteDynamicRaises,
    TranslateByteCode,
)


def translated(function: Callable[..., Any], *, inlined: bool = False, **options: Any) -> Any:
    """A function that kernels can call, and that is compiled by itself only for its translation.

    Args:
        function: Its source.
        inlined: Put its code where it is called.
        options: What `numba.njit` takes.
    """
    wanted = {**options, "nopython": True, "forceinline": inlined}
    wanted |= {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return _Dispatcher(function, targetoptions=wanted, pipeline_class=_Pipeline)


def translation(dispatcher: Any, arguments: tuple[Any, ...]) -> tuple[str, str]:
    """The name of a function made by `translated` and its module, with all that it calls, in LLVM's language."""
    dispatcher.compile(arguments)
    compiled = dispatcher.overloads[arguments]
    compiled.library.finalize()
    return compiled.fndesc.llvm_func_name, compiled.library.get_llvm_str()


@contextmanager
def plain() -> Iterator[None]:
    """Have numba optimise nothing but what has to be inlined."""
    settings: Any = config
    with global_compiler_lock:
        level = settings.OPT
        settings.OPT = type(level)(0)
        try:
            yield
        finally:
            settings.OPT = level


@register_pass(mutates_CFG=True, analysis_only=False)  # type: ignore[no-untyped-call] # numba's
class _Translation(NativeLowering):
    """The last step: makes no machine code of a function, and lets others call it."""

    _name = "translation"

    def run_pass(self, state: Any) -> bool:
        """Translate."""
        super().run_pass(state)  # type: ignore[no-untyped-call] # numba's
        lowered = state["cr"]
        # What stands for the function where numba would have a compiled one.
        key = lowered.fndesc
        state.targetctx.insert_user_function(key, lowered.fndesc, [state.library])
        state["cr"] = lowered._replace(cfunc=key)
        return True


class _Pipeline(CompilerBase):
    """What of numba's pipeline kernels need: they close over nothing, and unroll and specialise nothing."""

    def define_pipelines(self) -> list[Any]:
        """The passes, in order."""
        self.state.flags.no_compile = True
        manager: Any = PassManager  # which is not typed
        passes = manager("kernel")
        for each in (
            TranslateByteCode,
            FixupArgs,
            IRProcessing,
            GenericRewrites,
            RewriteDynamicRaises,
            ReconstructSSA,
            NopythonTypeInference,
            PreLowerStripPhis,
            _Translation,
            NoPythonBackend,
        ):
            passes.add_pass(each, "")
        passes.finalize()
        return [passes]


class _Target(CPUTarget):
    """This processor; what is translated for it is not loaded into this process."""

    @cached_property
    def target_context(self) -> Any:
        """Types as LLVM has them."""
        return cpu_target.target_context.with_aot_codegen("vedette", cpu_name="host")

    @property
    def typing_context(self) -> Any:
        """numba's, which knows all functions."""
        return cpu_target.typing_context


class _Dispatcher(CPUDispatcher):
    """A function, translated once for each combination of types."""

    targetdescr = _Target("cpu")  # type: ignore[no-untyped-call] # numba's

    def get_call_template(self, args: Any, kws: Any) -> Any:
        """How it is called, with constants taken for numbers: numba would translate it anew for each."""
        return super().get_call_template(tuple(map(types.unliteral, args)), kws)

    def add_overload(self, cres: Any) -> None:
        """Keep a translation; there is no machine code to call."""
        self.overloads[tuple(cres.signature.args)] = cres

    def get_overload(self, sig: Any) -> Any:
        """What stands for the translation for these arguments."""
        compiled: Any = self.overloads[tuple(sig)]
        return compiled.entry_point
