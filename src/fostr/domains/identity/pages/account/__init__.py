"""An account, as its person sees to it with a browser."""
