"""Finished hours and days as columns: lossless, small, and read one metric at a time.

    coding    columns of numbers to bytes
    decoding  and back
    parts     the columns of one series
    sheets    the same of an hour or a rollup, whose columns are coded together
    opening   parts of any version from their bytes
    gather    rows as the writer stored them to columns, each message once
    segments  a file of parts: written once, whole or not at all, never changed
    files     the folder of them, as who asks and the sealer see it

``docs/storage.md`` draws the bytes; ``tests/store/test_coding.py`` and ``test_sheets.py`` keep parts of each version,
so that later ones read them.
"""
