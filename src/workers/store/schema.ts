/** The tables of one outbox, schema 2. A newer schema is refused, never touched; schema 1 is migrated by `migrate.ts`. */

/** `KTWK`: tells our databases from any other. */
export const APPLICATION_ID = 0x4b54_574b
export const SCHEMA_VERSION = 2

/**
 * An event's row is written once. `(node_id, lamport_clock)` is unique by schema: the law of the clock can't be broken by
 * a bug. An empty `body` is that of a tombstone.
 */
const RECORD_SQL = `
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
`

/**
 * What an event may do stands apart from what became of it. It may leave where the consent that is in force was opened
 * before it (`consent.opened_after`), unless a mark says otherwise: so a decision costs as much as there are marks, however
 * long the history is. What became of it is a row for each hub. Up to `hub.reached` each event that may leave has its row,
 * and behind it none was settled in the hub's present generation: so a claim looks at what it takes and no more.
 * `tally` is changed in the transaction that changes a state, so that nothing ever counts rows; hub 0 is the store itself.
 */
export const DELIVERY_SQL = `
CREATE TABLE mark (
  sequence INTEGER PRIMARY KEY,
  state TEXT NOT NULL
    CHECK (state IN ('held', 'released', 'superseded', 'quarantined', 'removed')),
  reason TEXT
) STRICT;
CREATE INDEX mark_released ON mark (sequence) WHERE state = 'released';
CREATE TABLE newest (
  coalesce_key TEXT PRIMARY KEY,
  sequence INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE hub (
  id INTEGER PRIMARY KEY CHECK (id > 0),
  origin TEXT NOT NULL,
  team TEXT NOT NULL,
  epoch TEXT,
  generation INTEGER NOT NULL,
  reached INTEGER NOT NULL,
  inflight INTEGER NOT NULL CHECK (inflight >= 0),
  claimed_through INTEGER NOT NULL,
  acknowledged_at INTEGER,
  UNIQUE (origin, team)
) STRICT;
CREATE TABLE target (
  singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
  hub INTEGER NOT NULL
) STRICT;
CREATE TABLE delivery (
  hub INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'quarantined')),
  generation INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  reason TEXT,
  PRIMARY KEY (hub, sequence)
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_pending ON delivery (hub, sequence) WHERE state = 'pending';
CREATE INDEX delivery_quarantined ON delivery (hub, sequence) WHERE state = 'quarantined';
CREATE TABLE tally (
  hub INTEGER NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  count INTEGER NOT NULL CHECK (count >= 0),
  PRIMARY KEY (hub, state, reason)
) STRICT, WITHOUT ROWID;
INSERT INTO tally
  VALUES (0, 'recorded', '', 0), (0, 'open', '', 0), (0, 'superseded', '', 0), (0, 'settled', '', 0);
CREATE TABLE consent (
  project_uuid TEXT PRIMARY KEY,
  state TEXT NOT NULL CHECK (state IN ('granted', 'sealing', 'refused')),
  covers_history INTEGER NOT NULL CHECK (covers_history IN (0, 1)),
  decided_at INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  opened_after INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE consent_epoch (
  epoch INTEGER PRIMARY KEY,
  opened_after INTEGER NOT NULL,
  granted_at INTEGER NOT NULL,
  sealed_through INTEGER,
  sealed_at INTEGER
) STRICT;
CREATE TABLE disclosure (
  id INTEGER PRIMARY KEY,
  epoch INTEGER NOT NULL,
  hash TEXT NOT NULL,
  count INTEGER NOT NULL,
  confirmed_at INTEGER NOT NULL
) STRICT;
CREATE TABLE link (
  singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
  state TEXT NOT NULL CHECK (state IN ('live', 'down')),
  heartbeat_at INTEGER NOT NULL,
  connection TEXT,
  reason TEXT,
  next_try_at INTEGER
) STRICT;
`

export const SCHEMA_SQL = RECORD_SQL + DELIVERY_SQL
