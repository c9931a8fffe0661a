"""RULES: every rule, family by family."""

from __future__ import annotations

from inspector.analysis.lint import (
    answering_rules,
    beta_rules,
    calendar_rules,
    connection_rules,
    cost_rules,
    dialect_rules,
    failure_rules,
    mcp_rules,
    settings_rules,
    sound_content_rules,
    sound_in_rules,
    sound_out_rules,
    tool_rules,
    transcript_rules,
    truncation_rules,
    turn_rules,
    vad_rules,
)
from inspector.analysis.lint.lint_rule import LintRule

RULES: tuple[type[LintRule], ...] = (
    *tool_rules.RULES,
    *answering_rules.RULES,
    *failure_rules.RULES,
    *dialect_rules.RULES,
    *beta_rules.RULES,
    *turn_rules.RULES,
    *settings_rules.RULES,
    *mcp_rules.RULES,
    *truncation_rules.RULES,
    *sound_content_rules.RULES,
    *sound_in_rules.RULES,
    *vad_rules.RULES,
    *sound_out_rules.RULES,
    *transcript_rules.RULES,
    *cost_rules.RULES,
    *connection_rules.RULES,
    *calendar_rules.RULES,
)
"""All rules; of findings that are equally bad the rule that stands first here is reported first."""
