"""Databases, SQLite or PostgreSQL: opened, brought to the program's revision, used in transactions that say what failed.

`schema` says which tables, `transactions` is how they are used. Which tables there are is the business of those who use this.
"""
