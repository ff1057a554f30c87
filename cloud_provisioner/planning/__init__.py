"""What to boot, what to give back, and why each idle job waits: pure functions over what was observed."""
