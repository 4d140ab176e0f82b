"""What is stored, as files for other programs.

    guardia export --format csv|jsonl [--kind KIND] [--host GLOB] [--metric GLOB] [--since T] [--until T] [-o FILE]
    guardia export --parquet DIR ...

``past`` asks the reader for piece after piece, so that memory does not grow with what is exported. ``text`` writes CSV
and JSON lines, ``parquet`` a folder of files by kind and day.
"""
