"""What the API knows of jobs, without HTTP: from a document to the queue, from the queue to answers."""
