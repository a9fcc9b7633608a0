"""What Go's own source says, out of the Go that this machine has."""

import re
import shutil
import subprocess
from pathlib import Path

from tools.facts.debian import SourceMissingError

# Bits of CPUID's answers (by the name of the constant that tests them) → the flag in /proc/cpuinfo.
_FLAGS = {
    "FEATURES_CX": {
        0: "pni", 9: "ssse3", 12: "fma", 13: "cx16", 19: "sse4_1", 20: "sse4_2", 22: "movbe", 23: "popcnt",
        27: "xsave", 28: "avx", 29: "f16c",
    },
    "EXT_FEATURES_CX": {0: "lahf_lm", 5: "abm"},
    "EXT_FEATURES_BX": {
        3: "bmi1", 5: "avx2", 8: "bmi2", 16: "avx512f", 17: "avx512dq", 28: "avx512cd", 30: "avx512bw",
        31: "avx512vl",
    },
}  # fmt: skip


def amd64_flags() -> dict[int, list[str]]:
    """Level → the flags that it asks for beyond the level before it."""
    go = shutil.which("go")
    if go is None:
        raise SourceMissingError("there is no go on the PATH")
    root = subprocess.run([go, "env", "GOROOT"], capture_output=True, text=True, check=True).stdout.strip()
    return asked((Path(root) / "src/runtime/asm_amd64.s").read_text("utf-8"))


def asked(source: str) -> dict[int, list[str]]:
    """The same, out of the text of runtime/asm_amd64.s."""
    found: dict[int, list[str]] = {}
    for level, constant, value in re.findall(r"^#define V([234])_(\w+?) (.+)$", source, re.MULTILINE):
        for bit in re.findall(r"1 << (\d+)", value) if constant in _FLAGS else ():
            found.setdefault(int(level), []).append(_FLAGS[constant][int(bit)])
    return {level: sorted(flags) for level, flags in found.items()}
