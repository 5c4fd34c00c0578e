"""Briefings (简报): pages, charts and workbooks from gathered results; computes no verdict.

``institution`` and ``county`` build sections of paragraphs, tables and charts from a
:class:`~puhui.briefing.source.Source`; ``html`` and ``xlsx`` write them.
"""
