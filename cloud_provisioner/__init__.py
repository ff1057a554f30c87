"""The provisioner: idle jobs become workers in clouds, and the workers go away again.

`sites/` holds what site admins write, `drivers/` a folder for each type of cloud.
"""
