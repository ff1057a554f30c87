"""What can go wrong while a cloud is made."""


class CloudError(Exception):
    """The cloud could not be installed, made or started; the message ends with what the program in question said."""
