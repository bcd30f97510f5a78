"""What the studio edits, without Qt: graph documents, changes to them, and what a canvas shows of them."""
