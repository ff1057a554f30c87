"""A workflow as a graph: its jobs with their states, and which waits for which; as JSON, DOT and SVG."""
