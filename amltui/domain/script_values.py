"""What the names of a Python script stand for, read from its syntax tree and never run.

Constants, f-strings, joined paths, lists and the objects that calls make are followed through
assignments; what cannot be known stays `Unknown`, with its line. Sizes are limited, so that a
script that was made to hurt cannot.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from .script_objects import (
    LONGEST,
    Made,
    Reference,
    Remark,
    Unknown,
    Variable,
    differ,
    known_call,
    known_constant,
    operate,
)


class Script:
    """The values at the end of a script, the calls in their order, and remarks."""

    def __init__(self, tree: ast.Module) -> None:
        self.calls: list[Made] = []
        self.remarks: list[Remark] = []
        self._names: dict[str, Any] = {}
        self._values: dict[int, Any] = {}  # by the id of a node; the tree outlives them
        self._tree = tree
        self._branch = 0
        self._run(tree.body)

    def _run(self, body: list[ast.stmt]) -> None:
        for node in body:
            self._statement(node)

    def _statement(self, node: ast.stmt) -> None:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                if alias.asname:
                    self._names[alias.asname] = Reference(alias.name, node.lineno)
        elif isinstance(node, ast.Assign):
            value = self.value(node.value)
            for target in node.targets:
                self._assign(target, value)
        elif isinstance(node, (ast.AnnAssign, ast.AugAssign)):
            self._changed(node)
        elif isinstance(node, (ast.Expr, ast.Return)):
            if node.value is not None:
                self.value(node.value)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            self._run(node.body)
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                self.value(item.context_expr)
            self._run(node.body)
        elif isinstance(node, ast.If) and "__main__" in ast.dump(node.test):
            self._run(node.body)
        else:
            self._branches(node)

    def _branches(self, node: ast.stmt) -> None:
        self._branch += 1
        if isinstance(node, (ast.For, ast.AsyncFor)):
            self._assign(node.target, Unknown(node.lineno))
        for part in ("body", "handlers", "orelse", "finalbody"):
            for inner in getattr(node, part, []):
                if isinstance(inner, ast.stmt):
                    self._statement(inner)
                elif isinstance(inner, ast.ExceptHandler):
                    self._run(inner.body)
        self._branch -= 1

    def _changed(self, node: ast.AnnAssign | ast.AugAssign) -> None:
        if node.value is None:
            return
        value = self.value(node.value)
        if isinstance(node, ast.AugAssign):
            value = operate(node.op, self.value(node.target), value, node.lineno)
        self._assign(node.target, value)

    def _assign(self, target: ast.expr, value: Any) -> None:
        if isinstance(target, ast.Name):
            before = self._names.get(target.id)
            if self._branch and before is not None and differ(before, value):
                self.remarks.append(
                    Remark(
                        target.lineno,
                        f"{target.id} is set in several ways; the last in the file is used.",
                    )
                )
            self._names[target.id] = value
        elif isinstance(target, (ast.Tuple, ast.List)):
            parts = value if isinstance(value, (list, tuple)) else []
            for at, one in enumerate(target.elts):
                known = len(parts) == len(target.elts)
                self._assign(one, parts[at] if known else Unknown(target.lineno))
        elif isinstance(target, ast.Attribute):
            owner, path = self._owner(target)
            if owner is not None:
                owner.attributes[path] = value
        elif isinstance(target, ast.Subscript):
            key = self.value(target.slice)
            if isinstance(target.value, ast.Attribute):
                owner, path = self._owner(target.value)
                held = owner.attributes.setdefault(path, {}) if owner is not None else None
            else:
                held = self.value(target.value)
            if isinstance(held, dict) and isinstance(key, str) and len(held) < LONGEST:
                held[key] = value

    def _owner(self, node: ast.expr) -> tuple[Made | None, str]:
        """The object that an attribute chain starts at, and the chain: docker.base_image."""
        names: list[str] = []
        while isinstance(node, ast.Attribute):
            names.insert(0, node.attr)
            node = node.value
        owner = self.value(node)
        if not isinstance(owner, Made):
            return None, ""
        # registry = env.docker.base_image_registry; registry.address = ... is one object
        for cut in range(len(names) - 1, 0, -1):
            held = owner.attributes.get(".".join(names[:cut]))
            if isinstance(held, Made):
                return held, ".".join(names[cut:])
        return owner, ".".join(names)

    def value(self, node: ast.expr | None) -> Any:
        """What an expression stands for; looked at once, or long chains would take for ever."""
        if id(node) not in self._values:
            self._values[id(node)] = self._evaluate(node)
        return self._values[id(node)]

    def _evaluate(self, node: ast.expr | None) -> Any:
        if isinstance(node, ast.Constant):
            return node.value if known_constant(node.value) else Unknown(node.lineno)
        read = _READERS.get(type(node))
        if read is None or node is None:
            for inner in ast.iter_child_nodes(node) if node is not None else ():
                if isinstance(inner, ast.expr):
                    self.value(inner)
            return Unknown(getattr(node, "lineno", 0))
        return read(self, node)

    def _name(self, node: ast.Name) -> Any:
        return self._names.get(node.id, Reference(node.id, node.lineno))

    def _attribute(self, node: ast.Attribute) -> Any:
        base = self.value(node.value)
        if isinstance(base, Reference):
            return Reference(f"{base.path}.{node.attr}", node.lineno)
        if isinstance(base, Made):
            owner, path = self._owner(node)
            if owner is not None and path in owner.attributes:
                return owner.attributes[path]
        return Unknown(node.lineno)

    def _list(self, node: ast.List | ast.Tuple) -> Any:
        return [self.value(one) for one in node.elts[:LONGEST]]

    def _dict(self, node: ast.Dict) -> Any:
        pairs = [
            (self.value(k), self.value(v)) for k, v in zip(node.keys, node.values, strict=True)
        ]
        if any(not isinstance(key, (str, int, float, bool)) for key, _ in pairs):
            return Unknown(node.lineno)
        return {str(key): value for key, value in pairs}

    def _fstring(self, node: ast.JoinedStr) -> Any:
        text = ""
        for part in node.values:
            value: Any = Unknown(node.lineno)
            if isinstance(part, ast.Constant):
                value = self.value(part)
            elif isinstance(part, ast.FormattedValue) and part.format_spec is None:
                value = self.value(part.value)
            if isinstance(value, bool) or not isinstance(value, (str, int, float)):
                return Unknown(node.lineno)
            text += str(value)
        return text if len(text) <= LONGEST else Unknown(node.lineno)

    def _operation(self, node: ast.BinOp) -> Any:
        return operate(node.op, self.value(node.left), self.value(node.right), node.lineno)

    def _negative(self, node: ast.UnaryOp) -> Any:
        value = self.value(node.operand)
        if isinstance(node.op, ast.USub) and isinstance(value, (int, float)):
            return -value
        if isinstance(node.op, ast.Not) and isinstance(value, bool):
            return not value
        return Unknown(node.lineno)

    def _subscript(self, node: ast.Subscript) -> Any:
        base, key = self.value(node.value), self.value(node.slice)
        if isinstance(base, dict) and isinstance(key, str) and key in base:
            return base[key]
        whole = isinstance(key, int) and not isinstance(key, bool)
        if isinstance(base, list) and whole and -len(base) <= key < len(base):
            return base[key]
        path = base.path if isinstance(base, Reference) else ""
        if path.endswith("environ") and isinstance(key, str):
            return Variable(key)
        if isinstance(key, str) and isinstance(node.value, ast.Attribute):
            # ws.models["m"], ws.compute_targets["c"], ws.environments["e"], ws.images["i"]
            kind = {
                "models": "Model",
                "compute_targets": "ComputeTarget",
                "environments": "Environment.get",
            }.get(node.value.attr)
            if kind is not None:
                return Made(kind, node.lineno, kwargs={"name": key})
        return Unknown(node.lineno)

    def _call(self, node: ast.Call) -> Any:
        args = [self.value(one) for one in node.args[:LONGEST]]
        kwargs = {}
        spread = any(isinstance(one, ast.Starred) for one in node.args)
        for keyword in node.keywords:
            value = self.value(keyword.value)
            if keyword.arg is not None:
                kwargs[keyword.arg] = value
            elif isinstance(value, dict):
                kwargs.update(value)
            else:
                spread = True
        function = self.value(node.func)
        receiver: Any = None
        if isinstance(node.func, ast.Attribute) and not isinstance(function, Reference):
            receiver = self.value(node.func.value)
            path = f".{node.func.attr}"
        else:
            path = function.path if isinstance(function, Reference) else ""
        known = known_call(path, args, kwargs, receiver)
        if known is not None:
            return known
        short = path if path.startswith(".") else ".".join(path.split(".")[-2:])
        made = Made(short, node.lineno, args, kwargs, receiver, spread=spread)
        self.calls.append(made)
        if short in (".register", ".clone") and isinstance(receiver, Made):
            return receiver  # of an environment: the same again
        return made


_READERS: dict[type, Callable[[Script, Any], Any]] = {
    ast.Name: Script._name,
    ast.Attribute: Script._attribute,
    ast.List: Script._list,
    ast.Tuple: Script._list,
    ast.Dict: Script._dict,
    ast.JoinedStr: Script._fstring,
    ast.BinOp: Script._operation,
    ast.UnaryOp: Script._negative,
    ast.Subscript: Script._subscript,
    ast.Call: Script._call,
}
