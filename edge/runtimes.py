"""The TFLite runtimes: which are installed, and which one and which bundled model are best here."""

import importlib.util
import platform

RUNTIMES = {"litert": "ai_edge_litert.interpreter", "tflite": "tflite_runtime.interpreter"}
"""The runtimes' modules by short name; `auto` takes the first that is installed. LiteRT is first: its int8 is faster on
x86."""


def installed_runtimes() -> tuple[str, ...]:
    """The names of the TFLite runtimes on this machine, best first."""
    return tuple(name for name, module in RUNTIMES.items() if importlib.util.find_spec(module.split(".")[0]))


def choose_runtime(runtime: str) -> str:
    """The name of the runtime to use: `runtime` itself, or for `auto` the best that is installed."""
    return (installed_runtimes() or ("tflite",))[0] if runtime == "auto" else runtime


def best_variant(runtime: str) -> str:
    """The faster bundled model in a runtime: int8, but float16 in tflite-runtime on a PC, where its int8 is slow."""
    is_pc = platform.machine().lower() in ("x86_64", "amd64")
    return "float16" if is_pc and choose_runtime(runtime) == "tflite" else "int8"
