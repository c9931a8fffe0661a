"""The importers, most particular first."""

from __future__ import annotations

from inspector.importing.flows import FlowsImporter
from inspector.importing.found import Importer
from inspector.importing.har import HarImporter
from inspector.importing.source_file import SourceFile
from inspector.importing.table import TableImporter
from inspector.importing.text import TextImporter
from inspector.importing.yaml_documents import YamlImporter

IMPORTERS: tuple[Importer, ...] = (
    FlowsImporter(),
    HarImporter(),
    TableImporter(),
    YamlImporter(),
    TextImporter(),
)
"""All importers; the last one reads every file that the others do not recognise."""


def importer_for(source: SourceFile) -> Importer:
    """Return the importer for a file."""
    if source.is_utf16:
        return IMPORTERS[-1]  # the others read bytes by offset
    head, name = source.head(), source.path.name
    return next(each for each in IMPORTERS if each.recognises(head, name))
