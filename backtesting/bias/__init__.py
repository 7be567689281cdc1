"""What looks ahead, and how much history each indicator, rule and model needs; pure."""
