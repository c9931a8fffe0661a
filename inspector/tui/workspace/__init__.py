"""The screen around every session: layout, tick and views, and the base classes that models and parts implement."""
