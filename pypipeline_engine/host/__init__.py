"""The engine as a process: one graph at a time, controlled and watched over HTTP.

`protocol` is what travels, as data; importing it loads no cell and no server.
"""
