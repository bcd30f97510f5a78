"""The window: menus, toolbar, docks, and what joins the session, the canvas, the panels and the engine."""
