"""One try of a site from end to end: what is read, a server that is made and given back, a job on it."""
