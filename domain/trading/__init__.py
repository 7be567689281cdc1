"""Words of trading: plans and their costs, what they came to, guards, lanes, closed trades and their figures."""
