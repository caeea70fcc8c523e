"""The reference companion app at `/`: what a lawful companion looks like to the person who talks with it."""
