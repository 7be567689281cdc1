"""Where analyses, candles and documents are kept: SQLite by default, MongoDB by URL.

Services see the ports alone: `ports.py` (analysis cache, signal archive, candles) and `document_ports.py` (documents by
key). `sqlite/` and `mongo/` implement them, `resilience/` carries both through outages, `factory.py` chooses and opens.
"""
