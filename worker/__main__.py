"""Starts the executor in a job's scratch directory."""

import os
import sys

from worker.executor import main

if __name__ == "__main__":
    sys.exit(main(os.environ))
