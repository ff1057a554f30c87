"""The REST API: routes know HTTP, `api.jobs` knows what jobs are, `api.documents` what people may send."""
