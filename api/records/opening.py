"""A sweeper with all that it needs, from the settings."""

from __future__ import annotations

from api.jobs.index import Index
from api.records.errors import SettingsUnusable
from api.records.expiry import Expiry
from api.records.leftovers import Leftovers
from api.records.retention import Ages
from api.records.schema import open_database
from api.records.settings import RecordsSettings
from api.records.sweeping import Sweeper
from api.settings import SettingsError
from api.settings import load as load_service
from pool.history_files import HistoryFiles
from pool.session import Pool


def open_sweeper(settings: RecordsSettings) -> Sweeper:
    """The sweeper; without the settings of the API it asks no queue and knows of no index. SettingsUnusable."""
    try:
        service = load_service(settings.service) if settings.service is not None else None
    except SettingsError as error:
        raise SettingsUnusable(f"service: {error}") from error
    return Sweeper(
        Expiry(open_database(settings.database.get_secret_value())),
        Leftovers(settings.sandboxes),
        HistoryFiles(settings.departed),
        Ages(**settings.retention.model_dump()),
        queue=Pool(service.schedd) if service is not None else None,
        index=Index.below(service.run) if service is not None else None,
    )
