"""People by their id: an account, as somebody in a workspace with the person sees and changes it."""
