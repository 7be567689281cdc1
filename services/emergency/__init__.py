"""What disables a lane or a strategy by itself: its live record, surely below the critical bounds."""
