"""Words of trading: plans and their costs, their results, guards, lanes, closed trades and their figures."""
