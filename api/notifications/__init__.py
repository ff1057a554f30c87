"""E-mail to users whose jobs and workflows have finished.

A user asks for it in the document of a job (`jobFinished`) or a workflow (`workflowFinished`); the address is the one in the
user's token. The recorder queues the message in the transaction that records the job, so each job has one message, and a
sender in the recorder's process brings the messages to a mail server. Nothing waits for that server but the sender.
"""
