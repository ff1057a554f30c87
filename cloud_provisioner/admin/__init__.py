"""The commands of `prominence-admin`, a module each: `add` makes the parser, and what it sets as `run` gives the exit code.

What is shown is made by pure functions of what was read. Nothing here needs the lease: who wants something done writes a wish.
"""
