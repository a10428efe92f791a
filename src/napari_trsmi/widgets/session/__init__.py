"""Sessions in the window: saved and opened from the menu."""
