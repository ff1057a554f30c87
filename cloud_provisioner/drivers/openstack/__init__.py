"""Workers in OpenStack clouds: servers of Nova, with the rights of a service account or of the submitting user."""
