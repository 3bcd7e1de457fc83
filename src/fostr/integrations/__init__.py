"""Programs of others: for each one the real client behind a port of the kernel, and what is said when it is not set."""
