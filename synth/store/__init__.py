"""Files that are whole or absent: atomic writes, locks, Parquet tables."""
