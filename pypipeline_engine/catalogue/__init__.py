"""Which types of cells there are: found, and described as data.

`discovery.Catalogue` finds them, `model` holds the descriptions, which a process can use that imports no cell.
"""
