"""The pure half of the execution: topology, exchange, tickets, waiting and counting. It knows no cell."""
