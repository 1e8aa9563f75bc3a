"""Joins app, identity and plugins: `wsgi:application` for the web, `wsgi:celery` for jobs."""

import os

from app.startup import uncollected

with uncollected():
    from app.config import Settings
    from app.factory import celery_of, create_app

    application = create_app(Settings.from_env(os.environ))
    celery = celery_of(application)
