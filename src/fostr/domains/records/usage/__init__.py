"""By which fields recordsets are filtered and sorted, and what that says about promoting them."""
