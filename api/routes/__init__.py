"""The routes: each translates and delegates."""
