"""Write records into the catalogue: upsert by external id, one transaction a piece, return counts."""
