"""What visitors of a share link see."""
