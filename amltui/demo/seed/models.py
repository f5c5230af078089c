"""The registered models."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from amltui.demo.seed.people import ADA, BEN, CHLOE, DEV
from amltui.demo.seed.spec import DAY, HOUR


@dataclass(frozen=True)
class ModelSeed:
    """One version of a model; a run and an experiment when training registered it."""

    name: str
    version: int
    age: float
    owner: str
    framework: str = "ScikitLearn"
    framework_version: str | None = "1.3.2"
    file: str = "model.json"
    description: str | None = None
    run: str | None = None
    experiment: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    needs_gb: float = 0.3  # memory that loading it takes

    @property
    def id(self) -> str:
        """Return `name:version`."""
        return f"{self.name}:{self.version}"

    def content(self) -> bytes:
        """Return a small file that stands for the real one: JSON, never a pickle."""
        weights = [
            round(((self.version * 37 + index * 91) % 200 - 100) / 10, 1) for index in range(8)
        ]
        document = {"model": self.id, "framework": self.framework, "weights": weights}
        return json.dumps(document, indent=1).encode() + b"\n"


MODELS = (
    ModelSeed(
        "diabetes-progression",
        1,
        410 * DAY,
        ADA,
        description="Ridge regression on the public diabetes data",
        run="diabetes-train_1700000000_0a1b2c3d",
        experiment="diabetes-train",
        tags={"stage": "retired"},
    ),
    ModelSeed(
        "diabetes-progression",
        2,
        33 * DAY,
        ADA,
        description="Ridge regression, alpha 0.4",
        run="diabetes-train_1761000000_4e5f6a7b",
        experiment="diabetes-train",
        tags={"stage": "production", "rmse": "54.1"},
    ),
    ModelSeed("newsgroup-topics", 1, 12 * DAY, BEN, tags={"stage": "trial"}),
    ModelSeed("claims-triage", 3, 2 * HOUR, CHLOE, tags={"stage": "candidate"}),
    ModelSeed(
        "fraud-gradient-boost",
        14,
        9 * DAY,
        DEV,
        framework="Custom",
        framework_version=None,
        run="fraud-weekly_1762000000_9c8d7e6f",
        experiment="fraud-weekly",
        tags={"auc": "0.971", "stage": "production"},
        needs_gb=1.2,
    ),
    *(
        ModelSeed(
            "fraud-gradient-boost",
            version,
            (9 + 7 * (14 - version)) * DAY,
            DEV,
            framework_version=None,
            framework="Custom",
            tags={"stage": "retired"},
            needs_gb=1.2,
        )
        for version in range(8, 14)
    ),
    ModelSeed("fraud-feature-map", 5, 60 * DAY, DEV, file="features.json"),
    ModelSeed("churn-xgb", 8, 21 * DAY, BEN, framework="Custom", framework_version=None),
    ModelSeed("recommender-matrix", 22, 5 * DAY, CHLOE, needs_gb=2.0, tags={"stage": "production"}),
    ModelSeed(
        "caption-transformer",
        2,
        1 * DAY,
        DEV,
        framework="PyTorch",
        framework_version="2.4",
        description="Needs a GPU; 1.1 GB",
        needs_gb=6.0,
    ),
    ModelSeed("sentiment-de", 4, 3 * HOUR, BEN, framework="PyTorch", framework_version="2.4"),
    ModelSeed(
        "demand-forecast",
        7,
        6 * HOUR,
        ADA,
        file="forest.json",
        description="Random forest, 4,000 trees: 1.9 GB in memory",
        needs_gb=2.6,
    ),
    ModelSeed("route-graph", 11, 88 * DAY, CHLOE, framework="Custom", framework_version=None),
    ModelSeed("credit-risk", 5, 120 * DAY, DEV, tags={"approved-by": "model-risk"}),
    ModelSeed(
        "credit-risk",
        6,
        4 * DAY,
        DEV,
        run="credit-retrain_1763000000_1f2e3d4c",
        experiment="credit-retrain",
        tags={"approved-by": "pending"},
    ),
    ModelSeed("address-parser", 2, 240 * DAY, BEN, framework="Onnx", framework_version="1.17"),
    ModelSeed(
        "document-embeddings", 1, 50 * DAY, CHLOE, framework="PyTorch", framework_version="2.4"
    ),
    ModelSeed(
        "wine-quality", 9, 2 * HOUR, ADA, run="wine_1763600000_a1", experiment="wine-quality"
    ),
    ModelSeed("pricing-rules", 1, 720 * DAY, CHLOE, framework="Custom", framework_version=None),
)
NEEDS_GB = {model.id: model.needs_gb for model in MODELS}
