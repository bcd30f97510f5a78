"""The canvas: nodes and wires on NodeGraphQt, painted by us."""
