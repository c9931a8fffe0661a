"""The one screen around a session: layout, tick, views, and the seams that sessions and their parts build against."""
