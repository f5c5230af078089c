"""Changes a YAML document to say something else, with every comment where it belongs."""

from __future__ import annotations

from typing import Any


def merge(held: Any, wanted: dict[str, Any]) -> None:
    """Make `held` say what `wanted` says, touching only what differs."""
    for key in [key for key in held if key not in wanted]:
        del held[key]
    for key, value in wanted.items():
        old = held.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            merge(old, value)
        elif isinstance(value, list) and isinstance(old, list):
            _merge_list(old, value)
        elif key not in held:
            below = _comment_below(held)
            held[key] = _commentable(value)
            _put_below(held, below)
        elif type(plain(old)) is not type(value) or plain(old) != value:
            held[key] = value


def _merge_list(held: Any, wanted: list[Any]) -> None:
    for at, value in enumerate(wanted):
        if at >= len(held):
            below = _comment_below(held)
            held.append(_commentable(value))
            _put_below(held, below)
        elif isinstance(value, dict) and isinstance(held[at], dict):
            merge(held[at], value)
        else:
            held[at] = value
    del held[len(wanted) :]


def _comment_below(held: Any) -> str:
    """Take away the comment below the last line of a section: it is about what comes next.

    The library keeps it with the last value, so that a setting that is added would follow it.
    """
    last, key = _last_line(held)
    slot = 0 if isinstance(last, list) else 2
    tokens = last.ca.items.get(key) if last is not None else None
    token = tokens[slot] if tokens else None
    if tokens is None or token is None or "\n" not in token.value:
        return ""
    beside, _, below = token.value.partition("\n")
    if beside.strip():
        token.value = f"{beside}\n"
    else:
        tokens[slot] = None
    return str(below)


def _put_below(held: Any, comment: str) -> None:
    if comment:
        from ruamel.yaml.error import CommentMark
        from ruamel.yaml.tokens import CommentToken

        token = CommentToken(f"\n{comment}", CommentMark(0), None)
        last, key = _last_line(held)
        last.ca.items[key] = [token, None] if isinstance(last, list) else [None, None, token, None]


def _last_line(held: Any) -> tuple[Any, Any]:
    """The innermost part that the last line of a section belongs to, and its key there."""
    last = None
    while isinstance(held, (dict, list)) and hasattr(held, "ca") and held:
        last, held = held, held[_last_key(held)]
    return last, None if last is None else _last_key(last)


def _commentable(value: Any) -> Any:
    """Plain data as the library's own, which can carry comments."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    if isinstance(value, dict):
        return CommentedMap({key: _commentable(one) for key, one in value.items()})
    return CommentedSeq(map(_commentable, value)) if isinstance(value, list) else value


def _last_key(held: Any) -> Any:
    return len(held) - 1 if isinstance(held, list) else list(held)[-1]


def plain(node: Any) -> Any:
    """The data without what the library adds to them."""
    if isinstance(node, dict):
        return {plain(key): plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [plain(one) for one in node]
    for kind in (str, bool, int, float):
        if isinstance(node, kind):
            return kind(node)
    return node
