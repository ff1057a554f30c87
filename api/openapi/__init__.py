"""The description of the REST API for programs (OpenAPI 3.1, JSON Schema) and for people (a page), from one set of models."""
