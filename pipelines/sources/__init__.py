"""Sources of records: files listed, known again, divided into ranges, and read in blocks of whole records."""
