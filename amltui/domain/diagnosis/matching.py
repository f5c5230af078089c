"""Match lines against events and rules, and remember what decides between them."""

from __future__ import annotations

import re

from amltui.domain.diagnosis import events as ev
from amltui.domain.diagnosis import shape
from amltui.domain.diagnosis.catalogue import catalogue
from amltui.domain.diagnosis.doubts import out_of_place
from amltui.domain.diagnosis.hits import Hit, Hits
from amltui.domain.diagnosis.model import Confidence, Form
from amltui.domain.diagnosis.normalise import ERROR, Line
from amltui.domain.diagnosis.pods import Pods, pod_named
from amltui.domain.diagnosis.quoted import Quoted
from amltui.domain.diagnosis.replica import Block, Replica
from amltui.domain.diagnosis.reports import report
from amltui.domain.diagnosis.rules import ACCESS, concerns_nobody, rule_set, status_in, status_of

NETWORK = frozenset(ev.NETWORK.split())
FEW = 3  # fewer failed calls than this before a good one are a service warming up
_MAX_REPLICAS = 256
_BLOCK_LINES = 400
_AFTER = 8  # indented lines after an exception's line that still belong to its message
_CONTEXT_LINES = 60  # lines between "bad response from ..." and the status it speaks of


class Matcher:
    """Everything the lines so far have shown."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self.replicas: dict[str, Replica] = {}
        self.hits = Hits()
        self._watchers: set[str] = set()
        self.touched = 0  # grows with every line that meant something
        self._changes = 0  # grows with what may change the findings beside the hits
        self._open = 0
        self._blocks = 0
        self._context: tuple[str, int] = ("", 0)
        self._image_seen = False
        self.chat = False  # whether the text is what people wrote to one another
        self.quoted = Quoted()
        self.pods = Pods()
        self._rules = rule_set()

    @property
    def changes(self) -> int:
        """Return a number that grows with everything that may change the findings."""
        return self._changes + self.hits.changes

    @property
    def reading(self) -> bool:
        """Tell whether a traceback or a document is open, so that every line must be seen."""
        return self._open > 0 or self.quoted.documents.open

    def reading_on(self, number: int) -> bool:
        """Tell whether every logical line inside that physical one must be seen."""
        return self.reading or self.quoted.body.near(number)

    @property
    def watching(self) -> bool:
        """Tell whether the next answered request matters."""
        return bool(self._watchers) or self._troubled()

    def _troubled(self) -> bool:
        """Tell whether calls failed, but too seldom to be more than a service warming up."""
        if not self.hits.kept:
            return False
        present = self.hits.present
        return any(present.get(name) and self.hits.counts[name] < FEW for name in NETWORK)

    @property
    def attentive(self) -> bool:
        """Tell whether a line may matter for what came before it, so that none may be skipped."""
        caring = self.reading or self.watching or self.quoted.fence_open
        return caring or bool(self.hits.kept) or bool(self._context[0])

    def line(self, line: Line, previous: str, following: str) -> None:
        """Look at one logical line; *previous* and *following* are its raw neighbours."""
        replica = self._replica(line.replica)
        self._look(replica, line, previous, following)
        if replica.watching:
            self._watchers.add(replica.name)
        else:
            self._watchers.discard(replica.name)

    def _look(self, replica: Replica, line: Line, previous: str, following: str) -> None:
        if self.quoted.fenced(line) or self.quoted.documents.holds(line):
            return
        if replica.block and self._inside(replica, line):
            return
        folded = " ".join(line.text.lower().split())
        in_message = bool(replica.after) and line.text[:1] in (" ", "\t")
        replica.after = replica.after - 1 if in_message else 0
        raw_folded = " ".join(line.raw.lower().split()) if line.raw != line.text else folded
        self._notice(replica, line, raw_folded, previous)
        if replica.block and replica.block.line == line.number:
            self._failures(replica, line, folded, "", in_traceback=False)
            return
        self._answer(replica, line)
        if self.quoted.holds(line, previous, following):
            self.touched += 1  # elsewhere the same words are a report
            return
        self._failures(replica, line, folded, following, in_traceback=in_message)
        self._status(replica, line)

    def _notice(self, replica: Replica, line: Line, folded: str, previous: str) -> None:
        for event in self._rules.events_for(folded):
            match = event.pattern.search(line.raw)
            if match:
                self.touched += 1
                self._event(event, match, replica, line, previous)

    def _replica(self, name: str) -> Replica:
        if name not in self.replicas and len(self.replicas) >= _MAX_REPLICAS:
            name = ""
        return self.replicas.setdefault(name, Replica(name))

    # Tracebacks

    def _inside(self, replica: Replica, line: Line) -> bool:
        """Read a line of the open traceback; return False if it is not one."""
        block = replica.block
        assert block is not None
        self.touched += 1
        block.lines += 1
        text = line.text
        if block.lines > _BLOCK_LINES:
            self._close(replica)
            return False
        if shape.INDENTED.match(text):
            self._frame(replica, block, line)
            return True
        if "Traceback (most recent call last)" in text or ev.CHAINED.search(text):
            return True
        if ev.EXCEPTION_LINE.match(text):
            self._exception(replica, block, line)
            return True
        if block.lines > 1 and line.level == 0 and not line.text.startswith("["):
            self._close(replica)
        return False

    def _frame(self, replica: Replica, block: Block, line: Line) -> None:
        folded = " ".join(line.text.lower().split())
        block.frames |= {mark.strip() for mark in ev.FRAME_MARKS if mark in folded}
        if ev.SERVED_FRAME.search(folded):
            block.frames.add("served")
        for rule in self._rules.rules_for(folded):
            if rule.signature.form is Form.FRAME and rule.pattern.search(line.text):
                self._keep(replica, report(rule.entry, Confidence.LIKELY, line, block=block))
        if "wait_for_client(" in folded or "wait_for_attach(" in folded:
            replica.wait = replica.wait or (line.number, line.text)

    def _exception(self, replica: Replica, block: Block, line: Line) -> None:
        """Take the line that names the exception: the end of the traceback."""
        replica.last_exception = line.text.strip()[:500]
        self._close(replica)
        replica.after, replica.closed = _AFTER, block
        folded = " ".join(line.text.lower().split())
        self._notice(replica, line, folded, "")
        if "address already in use" in folded and block.frames & {"debugpy", "ptvsd", "pydevd"}:
            entry = catalogue()["debugger-port-busy"]
            self._keep(replica, report(entry, Confidence.LIKELY, line, block=block))
        if self._failures(replica, line, folded, "", in_traceback=True):
            return
        phase = "run-exception" if replica.serving or "in run" in block.frames else "init-exception"
        ours = block.frames & {"in init", "in run"}
        stopped = ev.STOPPED.match(line.text)
        if stopped and (stopped["wish"] or not ours):
            return
        served = bool(ours or "served" in block.frames)
        self._keep(
            replica,
            report(
                catalogue()[phase],
                Confidence.LIKELY if served else Confidence.POSSIBLE,
                line,
                block=block,
                details={"exception": replica.last_exception},
                container_only=not served,
            ),
        )

    def _close(self, replica: Replica) -> None:
        if replica.block:
            replica.block = None
            self._open -= 1

    # Events

    def _event(
        self, event: ev.Event, match: re.Match[str], replica: Replica, line: Line, previous: str
    ) -> None:
        name, number = event.name, line.number
        if name in ("traceback", "frame"):
            self._open_block(replica, line, previous)
        elif name == "boot":
            replica.booted(match["pid"], number, line.raw)
            replica.last_fatal = number
            self._changes += 1
        elif name == "ready":
            replica.ready()
            self.hits.drop(lambda hit: hit.booting and not hit.entry.sticky, replica.name)
            replica.pending = [hit for hit in replica.pending if not hit.booting]
        elif name == "fatal":
            replica.last_fatal = number
            self._changes += 1
        elif name == "failed-request":
            replica.last_fatal = number
            for hit in replica.pending:
                hit.weak = 0
            replica.pending.clear()
        elif name == "wait":
            said = event.pattern.search(line.text)
            if said and not replica.serving and shape.waits(line, said):
                replica.wait = (number, line.raw)
                self._changes += 1
        elif name == "recovered":
            self._recover(event.clears)
        elif name in ("pod-ready", "pod-unready"):
            self._pod(line, event.clears, ready=name == "pod-ready")
        elif name == "succeeded":
            self.hits.drop(lambda hit: hit.entry.severity != "info")
        elif name in ("answered", "advice", "document", "fence"):
            self.quoted.begin(name, line, serving=replica.serving)
        elif name in ("mms", "scoring"):
            self._context = (name, number)
        elif name == "internal":
            self._internal(replica, line)
        elif name == "image":
            self._image_seen = True
            for hit in self.hits.of("key-vault-policy-cleared", replica.name):
                hit.confidence = Confidence.LIKELY
        else:
            replica.note(name, match, number)

    def _open_block(self, replica: Replica, line: Line, previous: str) -> None:
        if replica.block or shape.quotes_traceback(line):
            return
        level, weak = shape.traceback_level(line, previous)
        replica.block = Block(line.number, level, weak, self._blocks)
        self._blocks += 1
        replica.tracebacks += 1
        self._open += 1

    def _recover(self, undone: frozenset[str]) -> None:
        """Forget the failures of *undone* that a success followed, unless they came often."""
        self.hits.drop(lambda hit: hit.entry.id in undone and self.hits.counts[hit.entry.id] < FEW)

    def _pod(self, line: Line, undone: frozenset[str], *, ready: bool) -> None:
        """Take a pod's state; one that runs is over its own failures of *undone*."""
        self._changes += 1
        whose = ("", self.pods.note(line.raw, self.touched, ready=ready))
        if ready and whose[1]:
            self.hits.drop(lambda hit: hit.entry.id in undone and pod_named(hit.evidence) in whose)

    def _internal(self, replica: Replica, line: Line) -> None:
        name, number = self._context
        if name == "mms-500" and line.number - number <= _CONTEXT_LINES:
            sure = Confidence.LIKELY if self._image_seen else Confidence.POSSIBLE
            self._keep(replica, report(catalogue()["key-vault-policy-cleared"], sure, line))

    # Failures

    def _failures(
        self, replica: Replica, line: Line, folded: str, following: str, *, in_traceback: bool
    ) -> bool:
        """Try the rules whose word is in the line; return True if one for an exception matched."""
        found = False
        block = replica.closed if in_traceback else None
        for rule, match in self._rules.matches(line.text, folded, following):
            entry = rule.entry
            self.touched += 1
            if out_of_place(entry.id, match[0], replica, block):
                continue
            details = {key: value for key, value in match.groupdict().items() if value}
            self._keep(
                replica,
                report(
                    entry,
                    Confidence.CERTAIN
                    if in_traceback and rule.signature.form is Form.EXCEPTION
                    else rule.confidence(line.text, match),
                    line,
                    block=block,
                    details=details,
                    shaped=in_traceback
                    or entry.severity == "info"
                    or line.level >= ERROR
                    or shape.starts_line(line, match),
                    mention=not in_traceback and self._mentioned(line, match),
                ),
            )
            found = found or entry.layer != "umbrella"
        return found

    def _mentioned(self, line: Line, match: re.Match[str]) -> bool:
        return shape.mentioned(match) or (self.chat and shape.told_in_chat(line, match))

    def _status(self, replica: Replica, line: Line) -> None:
        match = status_in(line.text)
        if match is None:
            return
        if (match.lastgroup or "").startswith("reason") and not shape.answers(line, match):
            return
        status = status_of(match)
        if match.lastgroup == "line":
            self.quoted.body.end()
        access = ACCESS.search(line.text)
        if access and concerns_nobody(access, status):
            return
        name, number = self._context
        control = name.startswith("mms") and line.number - number <= _CONTEXT_LINES
        self.touched += 1
        if control:
            self._control_plane(status, replica, line)
        entry = self._rules.by_status.get(status)
        if entry is None:
            return
        self._keep(
            replica,
            report(
                entry,
                Confidence.POSSIBLE if status == 500 else Confidence.LIKELY,
                line,
                details={"status": str(status)},
                shaped=access is not None
                or match.lastgroup == "metric"
                or shape.starts_line(line, match)
                or line.level >= ERROR,
                control_plane=control and status not in (400, 401, 403),
                access=access is not None,
                mention=access is None and self._mentioned(line, match),
            ),
        )

    def _control_plane(self, status: int, replica: Replica, line: Line) -> None:
        if status in (502, 503, 504):
            self._keep(replica, report(catalogue()["mms-transient"], Confidence.LIKELY, line))
        elif status == 500:
            self._context = ("mms-500", line.number)

    def _answer(self, replica: Replica, line: Line) -> None:
        """Take an answered request as the outcome of what was printed before it."""
        troubled = self._troubled()
        if not replica.watching and not troubled:
            return
        match = ev.ANSWER.search(line.raw)
        if match is None:
            return
        status = int(next(value for value in match.groups() if value))
        self.touched += 1
        if troubled and status < 400:
            self._recover(NETWORK)
        if not replica.watching:
            return
        if status >= 500:
            for hit in replica.pending:
                hit.weak = 0
        elif status < 400:
            doomed = {id(hit) for hit in replica.pending if hit.level < ERROR}
            self.hits.drop(lambda hit: id(hit) in doomed, replica.name)
            if not replica.serving:
                replica.ready()
                self.hits.drop(lambda hit: hit.booting and not hit.entry.sticky, replica.name)
        replica.pending.clear()

    def _keep(self, replica: Replica, hit: Hit | None) -> None:
        if hit is None:
            return
        hit.order, hit.booting = self.touched, not replica.serving and not hit.access
        self.hits.add(hit, replica.name)
        printed = not hit.level and not hit.entry.any_level and not hit.access
        if replica.serving and (hit.in_traceback or printed) and len(replica.pending) < 32:
            replica.pending.append(hit)
