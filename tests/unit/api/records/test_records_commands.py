"""Commands that were run in jobs."""

from __future__ import annotations

from api.records.commands import Command, Commands
from database.transactions import Database


def test_commands_come_back_in_order_with_their_words_unchanged(database: Database) -> None:
    commands = Commands(database)
    made = [
        Command("job", 5, 'al"ice\0☃', ("sh", "-c", "echo \0 \ud800 ☃", ""), 100.5 + number, 101.5 + number, code)
        for number, code in enumerate((0, None, 127))
    ]
    for command in made:
        commands.add(command)
    commands.add(Command("other", 6, "bob", (), 1.0, 2.0, 0))
    assert commands.of_job("job") == made
    assert commands.of_job("job", limit=2) == made[1:]
    assert commands.of_job("nothing") == []
