"""The cells that ship with the engine, by category: each module is one, and `sources.Counter` is the type name of a cell.

They use the public API only, as a user's cells would, and load numpy at their import, everything else where it is used.
"""
