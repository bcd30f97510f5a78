"""Clones in processes of their own, on this machine or another one, by Ray.

    - `cluster`: Ray itself, started or joined when the first clone needs it.
    - `travel`: a clone as bytes, and back.
    - `messages`: what goes there, and what comes back.
    - `servant`: runs a clone, in the other process.
    - `clone`: one such process as seen from here.
    - `worker`: feeds a clone with tickets, and hands in what comes back.

Ray is imported when it is needed first: of these, only `cluster` and `address` are loaded before.
"""
