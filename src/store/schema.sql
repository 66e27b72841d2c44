-- The store of a study. PRAGMA user_version holds the version of this schema (store/database.h).
-- Everything but `summaries` is an observation; `summaries` is derived and may be dropped and made again.

CREATE TABLE conditions (
  key     TEXT PRIMARY KEY,
  value   TEXT NOT NULL,
  binding INTEGER NOT NULL           -- 1: the study may go on only where this is the same
) WITHOUT ROWID;

CREATE TABLE notes (
  position INTEGER PRIMARY KEY,
  text     TEXT NOT NULL
);

CREATE TABLE variants (
  id              TEXT PRIMARY KEY,
  name            TEXT NOT NULL,
  recipe_name     TEXT NOT NULL,
  recipe_text     TEXT NOT NULL,
  recipe_hash     TEXT NOT NULL,
  model_hash      TEXT,              -- this and what follows: NULL until the variant's file exists
  file_bytes      INTEGER,
  memory_bytes    INTEGER,
  bits_per_weight REAL,
  weight_types    TEXT,
  quantize_seconds     REAL,         -- NULL: not made in one go by this study
  quantize_cpu_seconds REAL,
  quantize_peak_bytes  INTEGER       -- NULL, too, where the kernel does not keep the mark
) WITHOUT ROWID;

CREATE TABLE tasks (
  id        TEXT PRIMARY KEY,
  name      TEXT NOT NULL,
  version   INTEGER NOT NULL,
  protocol  TEXT NOT NULL,
  data_hash TEXT NOT NULL,
  n_samples INTEGER NOT NULL
) WITHOUT ROWID;

-- Of tasks that ask over documents: how those were chosen.
CREATE TABLE contexts (
  task        TEXT PRIMARY KEY REFERENCES tasks(id),
  set_name    TEXT NOT NULL,
  mode        TEXT NOT NULL,         -- gold, retrieved, retrieved by NAME, oracle, closed; search: of a retriever
  n_documents INTEGER,               -- NULL: as the set offers, or as many as fit
  budget      INTEGER,               -- tokens of a prompt at most; NULL: what the model takes
  gold_slot   INTEGER                -- NULL: by turns, or where the set or the search has it
) WITHOUT ROWID;

CREATE TABLE metrics (
  task             TEXT NOT NULL REFERENCES tasks(id),
  position         INTEGER NOT NULL, -- 0: the headline
  name             TEXT NOT NULL,
  unit             TEXT NOT NULL,
  higher_is_better INTEGER NOT NULL,
  transform        TEXT NOT NULL,
  PRIMARY KEY (task, position)
) WITHOUT ROWID;

CREATE TABLE units (
  id       TEXT PRIMARY KEY,         -- SHA-256 of everything that determines the result
  variant  TEXT NOT NULL REFERENCES variants(id),
  task     TEXT REFERENCES tasks(id),-- NULL: measurement of speed and memory
  settings TEXT NOT NULL
) WITHOUT ROWID;

-- The units that the study file asks for now, variant by variant, the reference first.
CREATE TABLE plan (
  position INTEGER PRIMARY KEY,
  unit     TEXT NOT NULL UNIQUE REFERENCES units(id)
);

CREATE TABLE samples (
  unit      TEXT NOT NULL REFERENCES units(id),
  idx       INTEGER NOT NULL,
  sample_id TEXT NOT NULL,
  prompt    TEXT NOT NULL,
  target    TEXT NOT NULL,
  answer    TEXT NOT NULL,
  n_cut_tokens INTEGER NOT NULL,     -- of what was asked, where it did not fit the model's context
  hit_limit    INTEGER NOT NULL,     -- 1: the answer was ended by its token limit or the context
  responses TEXT NOT NULL,           -- JSON, a value a request, as eval/sample_json.h writes it; '': not kept
  flags     TEXT NOT NULL,           -- what makes the sample doubtful, joined by ','; mostly ''
  chance    REAL,                    -- that a blind guess is right; NULL: nothing to choose from
  PRIMARY KEY (unit, idx)
) WITHOUT ROWID;

CREATE TABLE scores (
  unit   TEXT NOT NULL,
  idx    INTEGER NOT NULL,
  metric TEXT NOT NULL,
  sum    REAL,                       -- NULL: unanswered
  weight REAL,
  PRIMARY KEY (unit, metric, idx),
  FOREIGN KEY (unit, idx) REFERENCES samples(unit, idx),
  CHECK ((sum IS NULL) = (weight IS NULL))
) WITHOUT ROWID;

-- Where the model looked, as rag/answer/attention_record.h packs it.
CREATE TABLE attention (
  unit TEXT NOT NULL,
  idx  INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (unit, idx),
  FOREIGN KEY (unit, idx) REFERENCES samples(unit, idx)
);

CREATE TABLE measurements (
  unit            TEXT NOT NULL REFERENCES units(id),
  name            TEXT NOT NULL,
  unit_of_measure TEXT NOT NULL,
  repetition      INTEGER NOT NULL,
  value           REAL,              -- NULL: not measured, for this reason
  reason          TEXT NOT NULL,
  PRIMARY KEY (unit, name, repetition)
) WITHOUT ROWID;

CREATE TABLE failures (
  unit    TEXT PRIMARY KEY REFERENCES units(id),
  message TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE summaries (
  unit       TEXT NOT NULL REFERENCES units(id),
  metric     TEXT NOT NULL,
  n          INTEGER NOT NULL,
  unanswered INTEGER NOT NULL,
  value REAL, low REAL, high REAL,
  difference REAL, difference_low REAL, difference_high REAL,
  p_value REAL, p_adjusted REAL,
  n_compared INTEGER, lost INTEGER, gained INTEGER,
  PRIMARY KEY (unit, metric)
) WITHOUT ROWID;
