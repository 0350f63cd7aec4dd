CREATE TABLE owner (
  singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
  kind TEXT NOT NULL CHECK (kind IN ('project', 'repository')),
  id TEXT NOT NULL
) STRICT;
CREATE TABLE clock (
  node_id TEXT PRIMARY KEY,
  value INTEGER NOT NULL CHECK (value >= 0)
) STRICT, WITHOUT ROWID;
CREATE TABLE event (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL UNIQUE,
  node_id TEXT NOT NULL,
  lamport_clock INTEGER NOT NULL CHECK (lamport_clock > 0),
  recorded_at INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  body TEXT NOT NULL,
  UNIQUE (node_id, lamport_clock)
) STRICT;
CREATE TABLE delivery (
  sequence INTEGER PRIMARY KEY,
  state TEXT NOT NULL CHECK (state IN ('pending', 'inflight', 'delivered', 'quarantined', 'held')),
  reason TEXT
) STRICT;
CREATE INDEX delivery_outgoing ON delivery (sequence) WHERE state IN ('pending', 'inflight');
CREATE INDEX delivery_held ON delivery (sequence) WHERE state = 'held';
CREATE TABLE tally (
  state TEXT PRIMARY KEY,
  count INTEGER NOT NULL CHECK (count >= 0)
) STRICT, WITHOUT ROWID;
INSERT INTO tally
  VALUES ('pending', 0), ('inflight', 0), ('delivered', 0), ('quarantined', 0), ('held', 0);
CREATE TABLE consent (
  project_uuid TEXT PRIMARY KEY,
  state TEXT NOT NULL CHECK (state IN ('granted', 'refused')),
  covers_history INTEGER NOT NULL CHECK (covers_history IN (0, 1)),
  decided_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE link (
  singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
  state TEXT NOT NULL CHECK (state IN ('live', 'down')),
  heartbeat_at INTEGER NOT NULL
) STRICT;
PRAGMA user_version = 1;
