"""Run a program as if only the standard library and the edge requirements were installed.

python tests/import_guard.py "import edge.pipeline"
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

EDGE_REQUIREMENTS = {"numpy", "cv2", "tflite_runtime", "ai_edge_litert"}
OF_AI_EDGE_LITERT = {"flatbuffers", "typing_extensions"}
ALLOWED = {*sys.stdlib_module_names, "edge", *EDGE_REQUIREMENTS, *OF_AI_EDGE_LITERT}


class ImportGuard(MetaPathFinder):
    """Refuses every module but the allowed, as if it were not installed."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Raise for a module that is not allowed; leave the others to the next finder."""
        if fullname.split(".")[0] not in ALLOWED:
            raise ModuleNotFoundError(f"No module named {fullname!r} on the device", name=fullname)
        return None


if __name__ == "__main__":
    sys.meta_path.insert(0, ImportGuard())
    exec(compile(sys.argv[1], "<guarded>", "exec"), {"__name__": "guarded"})
