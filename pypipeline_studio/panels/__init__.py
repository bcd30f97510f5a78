"""The panels around the canvas: plain widgets that get data by methods and say by signals what a person wants."""
