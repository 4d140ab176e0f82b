"""The archive: days of raw blocks as Parquet files on another disk, which still answer.

``parquet`` is the file, ``whole`` its checksum, ``files`` reads a folder of them, ``moving`` is what the sealer does.
pyarrow, which is large, is imported by ``parquet`` alone, and that when the first file is opened.
"""
