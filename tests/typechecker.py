"""The run-time type checker of the tests: an int serves where a float is asked for, as for mypy (PEP 484)."""

from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
