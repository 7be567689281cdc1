"""How far the market of today is from that of the training, and whether the answers have become worse."""
