// Tables of the store, as numbered migrations: what stands here once is never changed, only followed. A database says
// in `user_version` how far it has come. Instants are milliseconds since 1970, JSON is text, keys are keyed hashes.

export const migrations: readonly string[] = [
  `
  CREATE TABLE ledger (
    key BLOB NOT NULL PRIMARY KEY, until INTEGER NOT NULL, checksum INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX ledger_until ON ledger (until);

  CREATE TABLE plan (
    key BLOB NOT NULL PRIMARY KEY, until INTEGER NOT NULL, plan TEXT NOT NULL, checksum INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX plan_until ON plan (until);

  CREATE TABLE hold (
    id TEXT NOT NULL PRIMARY KEY, key BLOB NOT NULL, at INTEGER NOT NULL, octets INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'held', mail TEXT NOT NULL, checksum INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX hold_key ON hold (key) WHERE state = 'held';
  CREATE INDEX hold_octets ON hold (octets) WHERE state = 'held';

  CREATE TABLE track (
    at INTEGER NOT NULL, id TEXT NOT NULL, queue_id TEXT, message_id TEXT COLLATE NOCASE,
    reverse_path TEXT NOT NULL COLLATE NOCASE, forward_path TEXT NOT NULL COLLATE NOCASE,
    reply TEXT NOT NULL, report TEXT NOT NULL
  ) STRICT;
  CREATE INDEX track_at ON track (at);
  CREATE INDEX track_id ON track (id);
  CREATE INDEX track_queue_id ON track (queue_id);
  CREATE INDEX track_message_id ON track (message_id);
  CREATE INDEX track_reverse_path ON track (reverse_path);
  CREATE INDEX track_forward_path ON track (forward_path);

  CREATE TABLE suspect (
    key BLOB NOT NULL PRIMARY KEY, at INTEGER NOT NULL, deaths_alone INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE probe (
    token TEXT NOT NULL, side TEXT NOT NULL, at INTEGER NOT NULL, reverse_path TEXT NOT NULL
  ) STRICT;
  CREATE INDEX probe_token ON probe (token);

  CREATE TABLE audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, by TEXT NOT NULL, act TEXT NOT NULL, subject TEXT NOT NULL
  ) STRICT;
  `,
  `
  CREATE TABLE member (
    domain TEXT NOT NULL PRIMARY KEY, subdomains INTEGER NOT NULL, gone INTEGER
  ) STRICT, WITHOUT ROWID;
  `,
];
