"""The session form without a screen: which fields there are, what is edited, what the server made of it."""
