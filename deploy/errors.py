"""What can go wrong while a one-machine instance is made or run."""


class DeployError(Exception):
    """Something the person at the keyboard has to mend; the message says what and how."""
