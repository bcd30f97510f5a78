"""How the studio looks: colours by name, type, icons, and the style of widgets, in a dark and a light theme."""
