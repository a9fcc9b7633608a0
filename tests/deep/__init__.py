"""The properties of tests/unit with many more examples: `make test` runs them, `make check` does not."""
