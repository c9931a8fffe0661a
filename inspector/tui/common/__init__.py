"""Building blocks that several screens share: keys, dialogs, help, text pages, meters, status lines, themes."""
