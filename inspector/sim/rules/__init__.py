"""A brain without a language model: tables and pure functions, one file per subject.

Start reading at ``rules_brain``. Every text is shortened before a pattern sees it, so that hostile input takes bounded time.
"""
