"""What a job needs is fetched before its first task, and what it is to leave behind is stored after its last.

`artifacts` fetches, unpacks and places; `outputs` finds and stores. What is half made lies in the scratch directory and goes
with it. Nothing is imported here: most jobs need neither, and an executor should start fast.
"""
