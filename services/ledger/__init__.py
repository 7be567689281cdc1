"""Past signals: what came after them, what clients say of them, what that adds up to."""
