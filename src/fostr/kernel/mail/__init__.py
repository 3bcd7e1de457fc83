"""Mail: written in the transaction of what it tells of, sent by the worker, or kept where no server is set."""
