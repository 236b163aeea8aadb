"""Names of series where there is little room."""


def cut_name(name: str, length: int) -> str:
    """A name with its middle left out if it is too long: runs often differ by a seed at the end.

    Args:
        name: What a series is called.
        length: Characters there are, at least 3.
    """
    if len(name) <= length:
        return name
    end = (length - 1) // 2
    return f"{name[: length - 1 - end]}…{name[-end:]}"
