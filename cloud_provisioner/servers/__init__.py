"""The life of one server, from the intent to boot it to the cloud's word that it is gone. Pure: no calls, no clock."""
