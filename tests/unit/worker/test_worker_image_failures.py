import pytest

from worker.images.convert import failure
from worker.images.errors import (
    ImageCorruptError,
    ImageDiskFullError,
    ImageError,
    ImageNetworkError,
    ImageNotFoundError,
    ImageRateLimitError,
)
from worker.images.retry import LONGEST_PAUSE, retrying


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("FATAL:   write /x: no space left on device", ImageDiskFullError),
        ("FATAL:   write /x: disk quota exceeded", ImageDiskFullError),
        ("FATAL:   unpackSIF failed: connection refused", ImageCorruptError),
        ("ERROR:   first\nFATAL:   While performing build: bad layer.", ImageCorruptError),
        ("", ImageCorruptError),
    ],
)
def test_what_apptainer_said_becomes_the_error_behind_it(said: str, error: type[ImageError]) -> None:
    assert type(failure("i", said)) is error


def test_the_last_words_of_apptainer_reach_the_owner() -> None:
    told = failure("i", "ERROR:   first\nFATAL:   While performing build: bad layer.\n")
    assert "While performing build: bad layer; build" in told.message


class Flaky:
    """Raises the given errors, one a call, then answers; keeps the pauses made in between."""

    def __init__(self, *errors: ImageError) -> None:
        self.errors = list(errors)
        self.pauses: list[float] = []

    def __call__(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "done"

    def run(self, chance: float = 0.5) -> str:
        return retrying(self, lambda _text: None, self.pauses.append, lambda: chance)


DOWN = ImageNetworkError("i", "h", "down")


def test_a_passing_failure_is_tried_again_after_growing_pauses() -> None:
    flaky = Flaky(DOWN, DOWN)
    assert flaky.run() == "done"
    assert flaky.pauses == [0.5, 1.0]


def test_pauses_are_spread_by_chance() -> None:
    early, late = Flaky(DOWN), Flaky(DOWN)
    early.run(chance=0.0)
    late.run(chance=1.0)
    assert (early.pauses, late.pauses) == ([0.25], [0.75])


def test_after_the_third_failure_the_error_is_told() -> None:
    flaky = Flaky(DOWN, DOWN, DOWN)
    with pytest.raises(ImageNetworkError):
        flaky.run()
    assert flaky.errors == []


def test_a_failure_that_stays_is_told_at_once() -> None:
    flaky = Flaky(ImageNotFoundError("i", "h"), DOWN)
    with pytest.raises(ImageNotFoundError):
        flaky.run()
    assert flaky.pauses == []


@pytest.mark.parametrize(("asked", "pause"), [(7.0, 7.0), (0.0, 0.5), (3600.0, LONGEST_PAUSE), (None, 0.5)])
def test_a_server_that_asks_for_patience_gets_it_within_reason(asked: float | None, pause: float) -> None:
    flaky = Flaky(ImageRateLimitError("i", "h", asked))
    flaky.run()
    assert flaky.pauses == [pause]
