"""Decide which hits count and which of them is the root cause."""

from __future__ import annotations

import re
from collections.abc import Iterable

from amltui.domain.diagnosis.catalogue import LAYERS, catalogue
from amltui.domain.diagnosis.events import SETTLED
from amltui.domain.diagnosis.hits import Hit
from amltui.domain.diagnosis.matching import NETWORK, Matcher
from amltui.domain.diagnosis.model import Confidence, Entry, Finding, Source, Target, make_finding
from amltui.domain.diagnosis.normalise import WARNING
from amltui.domain.diagnosis.replica import Replica
from amltui.domain.diagnosis.sources import may_speak

_STUCK = re.compile(r"Installing pip dependencies: ?\.{3}working\.{3}\s*$", re.IGNORECASE)
_NODES = re.compile(r"(\d+)/(\d+) nodes are available:([^\"]{0,400})")
_LACK = re.compile(r"(\d+) Insufficient ([\w./-]*\w)")
_IGNORED = re.compile(r"Ignored the following versions[^:]{0,80}: (.*)", re.IGNORECASE)
_EXACT = re.compile(r"==([\w.!+]*\w)")
_VERSION = re.compile(r"([\w.!+]+) Requires-Python")
_DESCRIPTION = 12  # lines between what is said of one container
_RESOURCES = {
    "cpu": "CPU",
    "memory": "memory",
    "nvidia.com/gpu": "GPU",
    "microsoft.com/fpga": "FPGA",
}
_STATE = re.compile(
    r"[\"']?(restartCount|exitCode|detailStatus)[\"']?\s*[:=]\s*[\"']?([\w .-]{1,60})"
)


def rank(
    matcher: Matcher,
    *,
    sources: frozenset[Source],
    target: Target,
    total: int,
    last: tuple[int, str],
    finished: bool,
) -> list[Finding]:
    """Return the findings of *matcher*, the root cause first, one per failure."""
    best: dict[str, Hit] = {}
    seen: dict[str, set[int]] = {}
    for (name, replica), hits in matcher.hits.kept.items():
        state = matcher.replicas.get(replica) or Replica()
        counting = [
            hit
            for hit in hits
            if _counts(hit, sources, state, total)
            and not (name in SETTLED and matcher.pods.past(hit.evidence, hit.order))
        ]
        if counting:
            seen.setdefault(name, set()).update(hit.line for hit in counting)
            candidate = _choose(counting)
            if name not in best or _better(candidate, best[name]):
                best[name] = candidate
    if "init-exception" in best and best.get("run-exception", best["init-exception"]).booting:
        best.pop("run-exception", None)  # nothing was served yet: init() it was that failed
    _counted(matcher, sources, last, finished, total, best)
    _spare_python(best)
    for replica_state in matcher.replicas.values():
        if replica_state.last_exception and "init-exception" in best:
            best["init-exception"].details.setdefault("exception", replica_state.last_exception)
    ordered = _order(best, target)
    return [
        make_finding(
            hit.entry,
            hit.confidence,
            hit.line,
            hit.evidence,
            _details(hit, matcher),
            tuple(sorted({hit.line, *seen.get(hit.entry.id, ())})),
        )
        for hit in ordered
    ]


def _counts(hit: Hit, sources: frozenset[Source], replica: Replica, total: int) -> bool:
    """Tell whether the hit is a report of the failure, in a text where its rule may speak."""
    if not may_speak(hit.entry.where, sources) or hit.control_plane:
        return False
    container = Source.CONTAINER_LOG in sources
    if hit.entry.id == "interactive-login-in-container" and not container:
        return False
    if hit.entry.id == "container-oom-killed" and hit.confidence is not Confidence.CERTAIN:
        near = abs(hit.line - replica.spared) <= _DESCRIPTION
        if replica.spared and near:  # the exit code says killed, but not by whom
            return False
    if container and hit.level and hit.entry.id in NETWORK and not _of_containers(hit.entry):
        return False  # a call that the script made, which is nobody's call of the service
    if hit.container_only and not container:
        return False
    if hit.transient and total - hit.line >= 2:
        return False
    logged = 0 < hit.level <= WARNING
    # A script's own log is followed by the traceback that ends it; a service goes on.
    handled = hit.weak and (container or hit.weak == WARNING or logged)
    if handled and replica.last_fatal <= hit.line and (logged or total - hit.line > 2):
        return False
    if hit.shaped:
        return True
    if container and _of_containers(hit.entry):
        return False
    return bool(sources) or hit.confidence is Confidence.CERTAIN


def _of_containers(entry: Entry) -> bool:
    return Source.CONTAINER_LOG in entry.where


def _choose(hits: list[Hit]) -> Hit:
    """Return the last one of a traceback, else the first: what the reader should jump to."""
    traced = [hit for hit in hits if hit.in_traceback]
    return traced[-1] if traced else min(hits, key=lambda hit: (hit.confidence.order, hit.line))


def _better(one: Hit, other: Hit) -> bool:
    return (one.confidence.order, one.line) < (other.confidence.order, other.line)


def _counted(
    matcher: Matcher,
    sources: frozenset[Source],
    last: tuple[int, str],
    finished: bool,
    total: int,
    best: dict[str, Hit],
) -> None:
    """Add the failures that are counted or seen at the end, not matched."""
    entries = catalogue()
    for replica in matcher.replicas.values():
        loop = replica.reboot_loop()
        name = "worker-reboot-loop-memory"
        if loop and name not in best and may_speak(entries[name].where, sources):
            boot = replica.boots[-1]
            best[name] = Hit(entries[name], Confidence.LIKELY, boot.line, boot.evidence, loop)
        if replica.wait and may_speak(entries["debugger-wait-hang"].where, sources):
            line, text = replica.wait
            timed_out = any(at >= line for at in replica.timeouts.values())
            if timed_out or finished or total - line <= 2:
                entry = entries["debugger-wait-hang"]
                best[entry.id] = Hit(entry, Confidence.LIKELY, line, text)
    stuck = entries["build-stuck-in-pip"]
    if finished and _STUCK.search(last[1]) and may_speak(stuck.where, sources):
        best[stuck.id] = Hit(stuck, Confidence.LIKELY, last[0], last[1])


def _spare_python(best: dict[str, Hit]) -> None:
    """Drop the blame on Python if the version asked for is none of those pip could not use."""
    ignored, wanted = best.get("pip-python-version"), best.get("pip-no-matching-distribution")
    if ignored and wanted and (refused := _IGNORED.search(ignored.evidence)):
        exact = _EXACT.search(wanted.evidence)
        if exact and exact[1] not in _VERSION.findall(refused[1]):
            del best["pip-python-version"]


def _order(best: dict[str, Hit], target: Target) -> list[Hit]:
    """Sort by layer, then how sure, then place; a failure goes below those it yields to."""
    depth: dict[str, int] = {}

    def layer(name: str, above: frozenset[str]) -> int:
        if name not in depth:
            entry = best[name].entry
            yields = [y for y in entry.yields_to if y in best and y not in above]
            own = LAYERS.index(entry.layer) * 10
            depth[name] = max([own, *(layer(y, above | {name}) + 1 for y in yields)])
        return depth[name]

    def key(name: str) -> tuple[int, int, int, int, int, int]:
        hit = best[name]
        foreign = _foreign(hit.entry.applies_to, target)
        place = -hit.block if hit.in_traceback else 0
        lack = -int(_quantity(hit))
        return (
            layer(name, frozenset()) + foreign,
            not hit.in_traceback,
            place,
            hit.confidence.order,
            lack,
            hit.line,
        )

    return [best[name] for name in sorted(best, key=key)]


def _foreign(applies_to: Iterable[str], target: Target) -> int:
    """Return a penalty for a failure that does not happen on *target*."""
    known = set(applies_to)
    return 0 if target is Target.UNKNOWN or "all" in known or target.value in known else 5


def _quantity(hit: Hit) -> str:
    if not hit.entry.id.startswith("aks-"):
        return "0"
    number = re.search(r"(\d+) (?:Insufficient|Too many|node\(s\))", hit.evidence)
    return number[1] if number else "0"


def _details(hit: Hit, matcher: Matcher) -> dict[str, str]:
    """Return what the line says beyond its text: counts, resources in words, container state."""
    details = dict(hit.details)
    count = matcher.hits.counts.get(hit.entry.id, 0)
    if count > 1:
        details["count"] = str(count)
    if hit.entry.id.startswith("aks-"):
        details.update(_scheduling(matcher))
    if hit.entry.id in ("container-crash-loop", "container-oom-killed"):
        details.update({key: value.strip() for key, value in _STATE.findall(hit.evidence)})
    return details


def _scheduling(matcher: Matcher) -> dict[str, str]:
    for hits in matcher.hits.kept.values():
        for hit in hits:
            nodes = _NODES.search(hit.evidence)
            if nodes:
                lacks = [_RESOURCES.get(what, what) for _, what in _LACK.findall(nodes[3])]
                wants = " and ".join(dict.fromkeys(lacks)) or "a node it may run on"
                free = "none" if nodes[1] == "0" else nodes[1]
                return {"schedule": f"wants {wants}, {nodes[2]} nodes, {free} free"}
    return {}
