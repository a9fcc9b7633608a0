"""`python -m tests.golden [CASE…]`: write what is rendered now; git shows the difference."""

import shutil
import sys

from tests.golden.cases import CASES, HERE, rendered

for case in sys.argv[1:] or CASES:
    folder = HERE / case / "expected"
    shutil.rmtree(folder, ignore_errors=True)
    for path, text in rendered(case).items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode())
    print(f"{case}: {len(rendered(case))} files")
