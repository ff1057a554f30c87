"""Jobs as text for people: a table of many, an outline of one. Pure functions, no I/O."""
