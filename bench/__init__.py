"""The running product measured against its budgets, each beside a baseline in the same run: `python -m bench`."""
