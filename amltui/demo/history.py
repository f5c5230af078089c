"""Run history: the little of experiments and runs that registering a model asks for."""

from __future__ import annotations

from amltui.demo import identity
from amltui.demo.clock import iso
from amltui.demo.router import Problem, Request, Response, Route, answer
from amltui.demo.state import Payload, State

_ID = "demo-experiment-"


class History:
    """Experiments, and the runs in them that trained the seeded models."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        """Return the routes of this part."""
        base = identity.HISTORY
        return [
            Route("GET", base + "/experiments/{name}", self._experiment),
            Route("GET", base + "/experimentids/{id}", self._experiment_of_id),
            Route("GET", base + "/experimentids/{id}/runs/{run}", self._run),
            Route("GET", base + "/experiments/{id}/runs/{run}", self._run),
            Route("GET", base + "/runs/{run}", self._known_run),
        ]

    def _experiment(self, request: Request) -> Response:
        return answer(self._experiment_payload(request.params["name"]))

    def _experiment_of_id(self, request: Request) -> Response:
        return answer(self._experiment_payload(request.params["id"].removeprefix(_ID)))

    def _run(self, request: Request) -> Response:
        return answer(self._run_payload(request.params["run"], request.params["id"]))

    def _known_run(self, request: Request) -> Response:
        """A run by its id alone; only the seeded models tell which there are."""
        run = request.params["run"]
        with self._state.lock:
            models = list(self._state.models.values())
        for model in models:
            if model.get("runId") == run:
                return answer(self._run_payload(run, f"{_ID}{model['experimentName']}"))
        raise Problem(404, "UserError", f"Run {run} was not found")

    def _experiment_payload(self, name: str) -> Payload:
        return {
            "experimentId": f"{_ID}{name}",
            "name": name,
            "createdUtc": iso(self._state.clock.start - 86_400 * 400),
            "tags": {},
            "archivedTime": None,
        }

    def _run_payload(self, run: str, experiment_id: str) -> Payload:
        begin = self._state.clock.start - 86_400 * 40
        return {
            "runId": run,
            "runUuid": run,
            "rootRunId": run,
            "experimentId": experiment_id,
            "displayName": run,
            "runNumber": 1,
            "status": "Completed",
            "createdUtc": iso(begin),
            "startTimeUtc": iso(begin + 20),
            "endTimeUtc": iso(begin + 900),
            "dataContainerId": f"dcid.{run}",
            "hidden": False,
            "tags": {},
            "properties": {},
            "parameters": {},
            "inputDatasets": [],
            "outputDatasets": [],
            "userProperties": {},
            "actionUris": {},
            "runType": "azureml.scriptrun",
            "target": "cpu-cluster",
        }
