"""What the terminal tests share."""

from __future__ import annotations

from tests.workers.box import _image, box

__all__ = ["_image", "box"]
