"""From calls to trades: orders, fills, exits, costs, sizes and the account."""
