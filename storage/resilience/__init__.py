"""Stores that survive a database that is slow, full or down. A write travels like this:

1. `store.py` (analyses and candles), `documents.py` and `ledger.py` wrap a database behind its own port. They hand an
   item to `write_behind.py`, which takes it at once and writes in the background.
2. The item waits in memory (`backlog.py`, bounded) for some milliseconds, until it goes to the database with others
   (`group_writer.py`). An item that the database refuses for its content is given up alone.
3. Where the database is down, or has not taken the item after 0.2 s, `spilling.py` brings it to a local file:
   `spool.py` is the file, `spool_queue.py` the items in it. From there it is written when the database is back, also
   by the next process. A caller that asks for it waits until its item is in one of the two.

`item_type.py` says what the queue knows of an item, `analysis_writes.py`, `document_writes.py` and `ledger.py` give it
for each kind; `pace.py` holds times and sizes. Reads go through `store_calls.py`, which bounds and counts them.
`availability.py` knows whether the database works, told by reads and writes alike.
"""
