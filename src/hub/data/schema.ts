/** The tables of `hub.db`, as the steps that lead to them: a new file takes all, an older one those that it lacks. */

const FIRST = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE tokens (
    token_hash BLOB PRIMARY KEY, team TEXT NOT NULL, user TEXT NOT NULL, created_at INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, team TEXT NOT NULL, event_id TEXT NOT NULL,
    project_uuid TEXT NOT NULL, node_id TEXT NOT NULL, lamport_clock INTEGER NOT NULL,
    content_hash BLOB NOT NULL, received_at INTEGER NOT NULL, body TEXT NOT NULL,
    UNIQUE (team, event_id)
  );
  CREATE INDEX events_by_project ON events (team, project_uuid, seq);
  CREATE TABLE commits (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, team TEXT NOT NULL, project_uuid TEXT NOT NULL,
    git_hash TEXT NOT NULL, content_hash BLOB NOT NULL, received_at INTEGER NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (team, project_uuid, git_hash)
  );
  CREATE INDEX commits_by_project ON commits (team, project_uuid, seq);
`

// A token outlives its secrets: a rotation gives it another one. A token of the first schema has its secret for good.
const TOKENS_THAT_END = `
  ALTER TABLE tokens RENAME TO old_tokens;
  CREATE TABLE tokens (
    token_id TEXT PRIMARY KEY, team TEXT NOT NULL, user TEXT NOT NULL, created_at INTEGER NOT NULL,
    ttl_ms INTEGER, revoked_at INTEGER
  ) WITHOUT ROWID;
  CREATE TABLE secrets (
    secret_id INTEGER PRIMARY KEY, secret_hash BLOB NOT NULL UNIQUE, token_id TEXT NOT NULL,
    ends_at INTEGER
  );
  CREATE INDEX secrets_of_token ON secrets (token_id);
  ALTER TABLE old_tokens ADD COLUMN token_id TEXT;
  UPDATE old_tokens SET token_id = 'tok_' || lower(hex(randomblob(8)));
  INSERT INTO tokens SELECT token_id, team, user, created_at, NULL, NULL FROM old_tokens;
  INSERT INTO secrets SELECT NULL, token_hash, token_id, NULL FROM old_tokens;
  DROP TABLE old_tokens;
`

// What lay there before is numbered events first; each table keeps its own order.
const NUMBERED_PROJECTS = `
  CREATE TABLE projects (
    project_id INTEGER PRIMARY KEY, team TEXT NOT NULL, project_uuid TEXT NOT NULL,
    head INTEGER NOT NULL,
    UNIQUE (team, project_uuid)
  );
  INSERT INTO projects (team, project_uuid, head)
    SELECT team, project_uuid, count(*) FROM (
      SELECT team, project_uuid FROM events UNION ALL SELECT team, project_uuid FROM commits
    ) GROUP BY team, project_uuid;
  DROP INDEX events_by_project;
  DROP INDEX commits_by_project;
  ALTER TABLE events ADD COLUMN project_id INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE events ADD COLUMN project_seq INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE commits ADD COLUMN project_id INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE commits ADD COLUMN project_seq INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE commits ADD COLUMN pushed_at INTEGER;
  UPDATE events SET project_id = found.project_id, project_seq = found.place FROM (
    SELECT e.seq, p.project_id,
           row_number() OVER (PARTITION BY p.project_id ORDER BY e.seq) AS place
    FROM events e JOIN projects p USING (team, project_uuid)
  ) AS found WHERE events.seq = found.seq;
  UPDATE commits SET project_id = found.project_id, project_seq = found.place FROM (
    SELECT c.seq, p.project_id,
           row_number() OVER (PARTITION BY p.project_id ORDER BY c.seq)
             + (SELECT count(*) FROM events e WHERE e.project_id = p.project_id) AS place
    FROM commits c JOIN projects p USING (team, project_uuid)
  ) AS found WHERE commits.seq = found.seq;
  CREATE INDEX events_by_project ON events (project_id);
  CREATE INDEX commits_by_project ON commits (project_id);
  CREATE UNIQUE INDEX events_in_order ON events (project_id, project_seq);
  CREATE UNIQUE INDEX commits_in_order ON commits (project_id, project_seq);
  CREATE INDEX commits_local_only ON commits (project_id, project_seq) WHERE pushed_at IS NULL;
`

const SECOND = TOKENS_THAT_END + NUMBERED_PROJECTS

// A row that says again what one of its id said is no second row; one that says otherwise is kept beside it, because the
// fold tells of both. History stands before what came with announced commits.
const LEDGER_LINES = `
  CREATE TABLE lines (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER NOT NULL, mission TEXT NOT NULL,
    mission_id TEXT, ledger TEXT NOT NULL, row_key TEXT NOT NULL, line INTEGER NOT NULL,
    git_hash TEXT NOT NULL, is_live INTEGER NOT NULL, content_hash BLOB NOT NULL,
    received_at INTEGER NOT NULL, body TEXT NOT NULL,
    UNIQUE (project_id, mission, ledger, row_key, content_hash)
  );
  CREATE INDEX lines_in_order ON lines (project_id, ledger, mission, is_live, seq);
  CREATE INDEX events_of_glossary ON events (project_id, project_seq)
    WHERE instr(body, 'GlossaryClarification') > 0;
`

// Windows of browsers, by the hashes of their two secrets; who may report pushes: a secret there has to be known itself.
const DASHBOARD = `
  ALTER TABLE commits ADD COLUMN user TEXT;
  CREATE TABLE sessions (
    secret_hash BLOB PRIMARY KEY, browser_hash BLOB NOT NULL, token_hash BLOB NOT NULL,
    ends_at INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE webhooks (
    webhook_id TEXT PRIMARY KEY, team TEXT NOT NULL, project_uuid TEXT NOT NULL,
    secret TEXT NOT NULL, created_at INTEGER NOT NULL, revoked_at INTEGER
  ) WITHOUT ROWID;
`

// Of a hub that shares its log with others: the last messages as they were, and what the others know of tokens and webhooks.
const SHARED_LOG = `
  CREATE TABLE log (
    stream_seq INTEGER PRIMARY KEY, message_id TEXT NOT NULL, subject TEXT NOT NULL,
    body BLOB NOT NULL, ends_at INTEGER NOT NULL
  );
  CREATE TABLE told (
    kind TEXT NOT NULL, id TEXT NOT NULL, content_hash BLOB NOT NULL, PRIMARY KEY (kind, id)
  ) WITHOUT ROWID;
`

// Events and commits up to this number are emptied; what a row said is gone, its id, number and hash stay.
const RETENTION = `
  ALTER TABLE projects ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;
`

// Events that were refused for good: of each the last time.
const DEAD_LETTERS = `
  CREATE TABLE dead_letters (
    place INTEGER PRIMARY KEY, team TEXT NOT NULL, event_id TEXT NOT NULL, project_uuid TEXT,
    category TEXT NOT NULL, token_id TEXT NOT NULL, refused_at INTEGER NOT NULL,
    UNIQUE (team, event_id)
  );
`

// As rows of ledgers name it; where events came, the last of them does.
const NAMED_PROJECTS = `
  ALTER TABLE projects ADD COLUMN slug TEXT;
`

/** The step at index n leads from schema n to n + 1. */
export const STEPS: readonly string[] = [
  FIRST,
  SECOND,
  LEDGER_LINES,
  DASHBOARD,
  SHARED_LOG,
  RETENTION,
  DEAD_LETTERS,
  NAMED_PROJECTS,
]
export const SCHEMA = STEPS.length
