"""Clones in processes of their own, on this machine or another one, by Ray.

    - `cluster`: Ray itself, started or joined when the first clone needs it.
    - `travel`: a clone as bytes, and back.
    - `servant`: runs a clone, in the other process. Knows no Ray.
    - `clone`: one such process as seen from here.
    - `worker`: feeds a clone with tickets, and hands in what comes back.

Ray is imported when it is needed first, and by `cluster` and `clone` only.
"""
