"""The routes: nothing but HTTP."""
