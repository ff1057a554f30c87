"""What Alembic runs around the migrations of every schema."""
