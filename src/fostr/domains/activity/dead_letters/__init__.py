"""Events that a consumer failed at for the last time, and another attempt at them."""
