-- An index of documents for retrieval (src/rag/index/index_file.h).
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE documents (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL,
  hash TEXT NOT NULL,       -- of title and text
  run INTEGER NOT NULL      -- the last run that saw it
) STRICT;
CREATE TABLE passages (
  id INTEGER PRIMARY KEY,
  document INTEGER NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
  first INTEGER NOT NULL,   -- byte of the document's text
  text TEXT NOT NULL,
  vector BLOB               -- float32, little-endian; NULL until it is made
) STRICT;
CREATE INDEX passages_of_document ON passages (document);
CREATE INDEX passages_without_vector ON passages (id) WHERE vector IS NULL;
