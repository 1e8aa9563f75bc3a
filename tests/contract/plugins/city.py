"""A process of its own: the real city with identity and whatever plugins are on the path.

`python -m tests.contract.plugins.city /api/x /api/y` prints the status of each, what runs, what is mounted.
"""

from __future__ import annotations

import json
import os
import sys

from app.config import Settings
from app.factory import celery_of, create_app


def main() -> None:
    """Ask for every address once."""
    city = create_app(Settings.from_env(os.environ))
    client = city.test_client()
    answers = {path: client.get(path).status_code for path in sys.argv[1:]}
    celery = celery_of(city)
    states = {state.name: state.state for state in city.extensions["suxin.registry"].states}
    schedule = [*celery.conf.beat_schedule]
    print(json.dumps({"answers": answers, "schedule": schedule, "jobs": [*celery.tasks], "states": states}))


if __name__ == "__main__":
    main()
