"""The commands: one module for each, with `register(commands)` that adds its parser and `execute(...)`.

`execute(arguments, console)` returns the exit code; what goes wrong it raises as a `prominence.Error`.
"""

from prominence.commands import (
    create,
    delete,
    describe,
    events,
    execute,
    listing,
    output,
    run,
    snapshot,
    wait,
    workflow,
)

REGISTER = (
    run.register,
    create.register,
    listing.register,
    describe.register,
    events.register,
    output.register,
    execute.register,
    snapshot.register,
    wait.register,
    delete.register,
    workflow.register,
)
"""In the order of the help."""
