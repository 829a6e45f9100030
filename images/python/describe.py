"""Describes the Python that runs it, as a line of JSON. With a release such as 3.12.4: fails unless it is that, and complete.

usage: python3 -I describe.py [RELEASE]
"""

import importlib
import json
import platform
import sys
import sysconfig
from pathlib import Path

# what Django, pip and the database drivers import, of the modules that need a library of the system
MODULES = ("_bz2", "_ctypes", "_decimal", "_hashlib", "_lzma", "_sqlite3", "_ssl", "zlib", "ensurepip", "venv")


def lacking(header):
    """The modules that cannot be imported, each with the reason, and *header* if it is no file."""
    found = [] if header.is_file() else ["its headers (Python.h)"]
    for module in MODULES:
        try:
            importlib.import_module(module)
        except ImportError as error:
            found.append(f"the module {module} ({error})")
    return found


paths = sysconfig.get_paths(scheme="posix_prefix")
variable = sysconfig.get_config_var
include = Path(paths["include"])
includes = {
    include,
    Path(paths["platinclude"]),
    Path(sys.base_prefix, "include", variable("MULTIARCH") or "", include.name),
}
facts = {
    "implementation": sys.implementation.name,
    "version": platform.python_version(),
    "build": sys.version,
    "variant": sys.abiflags,
    "machine": platform.machine(),
    "glibc": platform.libc_ver()[1],
    "executable": str(Path(getattr(sys, "_base_executable", sys.executable)).resolve()),
    "prefix": sys.base_prefix,
    "stdlib": paths["stdlib"],
    "includes": sorted(map(str, includes)),
    "library": str(Path(variable("LIBDIR"), variable("INSTSONAME"))) if variable("Py_ENABLE_SHARED") else "",
    "wheels": variable("WHEEL_PKG_DIR") or "",
    "lacking": lacking(include / "Python.h"),
}
print(json.dumps(facts))
if len(sys.argv) > 1:
    if facts["version"] != sys.argv[1]:
        sys.exit(f"It is Python {facts['version']} here.")
    if facts["lacking"]:
        sys.exit(f"Here it lacks {', '.join(facts['lacking'])}.")
