"""Reports to operators, by the schedule or on request; analyses and features as tables for a terminal."""
