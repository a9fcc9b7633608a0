"""Golden cases: a declaration in `CASE/service.yaml`, perhaps a fleet, and what every target renders of it.

`python -m tests.golden` writes `CASE/expected/` anew; read the difference before it is committed.
"""
