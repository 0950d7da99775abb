-- The state of a service. No name of a file or a patient is in it: files are known by random ids
-- and by the hash of their bytes, DICOM objects by the hash of their UID.
CREATE TABLE IF NOT EXISTS job (
    id        TEXT PRIMARY KEY,
    source    TEXT NOT NULL,             -- upload, dicom; study: the answer to one
    status    TEXT NOT NULL,             -- see Job.status
    received  REAL NOT NULL,             -- Unix time, s
    started   REAL,
    finished  REAL,
    tries     INTEGER NOT NULL DEFAULT 0,
    size      INTEGER NOT NULL,          -- bytes; 0 for a study
    sha256    TEXT NOT NULL,
    key       TEXT UNIQUE,               -- hash of what makes it the same object
    study     TEXT,                      -- hash of the study's UID; NULL for uploads
    due       REAL,                      -- of a study: not answered before, Unix time, s
    left_aside TEXT,                     -- of a study: JSON, kinds of pictures that are no cines
    document  TEXT,                      -- edgeecho-results-1, where answered or refused
    error     TEXT,
    exit_code INTEGER,
    delivery  TEXT NOT NULL,             -- of the result to a destination, see Job.delivery
    attempts  INTEGER NOT NULL DEFAULT 0,
    next_try  REAL                       -- Unix time, s
);
CREATE INDEX IF NOT EXISTS job_by_status ON job (status, received);
CREATE INDEX IF NOT EXISTS job_by_study ON job (study);
CREATE INDEX IF NOT EXISTS job_by_received ON job (received);

CREATE TABLE IF NOT EXISTS form (
    job    TEXT NOT NULL,
    suffix TEXT NOT NULL,                -- csv, html, ...
    body   TEXT NOT NULL,
    UNIQUE (job, suffix)
);
CREATE INDEX IF NOT EXISTS form_by_suffix ON form (suffix);

CREATE TABLE IF NOT EXISTS audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at     REAL NOT NULL,
    job    TEXT NOT NULL,
    event  TEXT NOT NULL,
    detail TEXT NOT NULL,                -- JSON
    chain  TEXT NOT NULL                 -- SHA-256 of the line before's chain and of this line
);
CREATE INDEX IF NOT EXISTS audit_by_job ON audit (job);
CREATE TRIGGER IF NOT EXISTS audit_is_never_changed BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER IF NOT EXISTS audit_is_never_shortened BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
