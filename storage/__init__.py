"""Where analyses, candles, documents and the ledger are kept: SQLite by default, MongoDB by URL.

Services see the ports alone: `ports.py` (analysis cache, signal archive, candles), `document_ports.py` (documents by
key) and `ledger_ports.py` (the ledger). `sqlite/` and `mongo/` implement them, `resilience/` carries all through
outages, `factory.py` chooses and opens.
"""
