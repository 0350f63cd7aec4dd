/**
 * All rows of a database as the entries that make them again, in the order of each project: events and commits by their numbers,
 * then the rows of its ledgers, then what was pushed. Read in pages, since a reader may take long with each.
 */
import type { Statement } from 'better-sqlite3'
import { PUSHED_MAX } from '../../contracts/wire/ledger-frame.ts'
import type { Connection } from './database.ts'
import type { Entry, LinesEntry, TimedEntries } from '../entries.ts'
import { hashOf } from './row-content.ts'

const PAGE_ROWS = 500

type ProjectRow = {
  readonly project_id: number
  readonly team: string
  readonly project_uuid: string
  readonly slug: string | null
}
type Numbered = {
  readonly body: string
  readonly content_hash: Buffer
  readonly received_at: number
}
type FeedRow = Numbered & {
  readonly project_seq: number
  readonly event_id: string | null
  readonly node_id: string
  readonly lamport_clock: number
  readonly git_hash: string
  readonly user: string | null
}
type LineRow = Numbered & {
  readonly seq: number
  readonly mission: string
  readonly mission_id: string | null
  readonly ledger: LinesEntry['ledger']
  readonly row_key: string
  readonly line: number
  readonly git_hash: string
  readonly is_live: number
}
type PushedRow = {
  readonly project_seq: number
  readonly git_hash: string
  readonly pushed_at: number
}
type Page<Row> = Statement<[{ readonly id: number; readonly after: number }], Row>

/** What is damaged is left out. */
export function* retoldBatches(database: Connection): Iterable<TimedEntries> {
  const projects = database.prepare<[], ProjectRow>(
    'SELECT project_id, team, project_uuid, slug FROM projects ORDER BY project_id',
  )
  const feed: Page<FeedRow> = database.prepare(
    `SELECT * FROM (
       SELECT project_seq, event_id, node_id, lamport_clock, NULL AS git_hash, NULL AS user,
         body, content_hash, received_at FROM events WHERE project_id = @id
       UNION ALL SELECT project_seq, NULL, NULL, NULL, git_hash, user,
         body, content_hash, received_at FROM commits WHERE project_id = @id)
     WHERE project_seq > @after ORDER BY project_seq LIMIT ${PAGE_ROWS}`,
  )
  const lines: Page<LineRow> = database.prepare(
    `SELECT seq, mission, mission_id, ledger, row_key, line, git_hash, is_live, body, content_hash,
       received_at FROM lines WHERE project_id = @id AND seq > @after ORDER BY seq LIMIT ${PAGE_ROWS}`,
  )
  const pushed: Page<PushedRow> = database.prepare(
    `SELECT project_seq, git_hash, pushed_at FROM commits
     WHERE project_id = @id AND project_seq > @after AND pushed_at IS NOT NULL
     ORDER BY project_seq LIMIT ${PUSHED_MAX}`,
  )
  for (const project of projects.all()) {
    yield* pagesOf(feed, project, ({ project_seq }) => project_seq, feedEntries)
    yield* pagesOf(lines, project, ({ seq }) => seq, lineEntries)
    yield* pagesOf(pushed, project, ({ project_seq }) => project_seq, pushedEntries)
  }
}

type Timed = { readonly entry: Entry; readonly at: number }

function* pagesOf<Row>(
  page: Page<Row>,
  project: ProjectRow,
  numberOf: (row: Row) => number,
  entriesOf: (project: ProjectRow, rows: readonly Row[]) => readonly Timed[],
): Iterable<TimedEntries> {
  for (let after = 0; ;) {
    const rows = page.all({ id: project.project_id, after })
    const last = rows.at(-1)
    if (last === undefined) return
    after = numberOf(last)
    const timed = entriesOf(project, rows)
    yield {
      entries: timed.map(({ entry }) => entry),
      at: timed.map(({ at }) => at),
      isRetold: true,
    }
  }
}

function feedEntries(
  { team, project_uuid }: ProjectRow,
  rows: readonly FeedRow[],
): readonly Timed[] {
  return rows
    .filter((row) => row.body === '' || isWhole(row))
    .map(
      ({ event_id, node_id, lamport_clock, git_hash, user, body, content_hash, received_at }) => {
        const about = { team, project_uuid, body, ...emptiedOf({ body, content_hash }) }
        return {
          at: received_at,
          entry:
            event_id === null
              ? { kind: 'commit', ...about, git_hash, user }
              : { kind: 'event', ...about, event_id, node_id, lamport_clock },
        }
      },
    )
}

function emptiedOf({ body, content_hash }: Omit<Numbered, 'received_at'>): { emptied?: string } {
  return body === '' ? { emptied: content_hash.toString('hex') } : {}
}

// Rows that came together and are alike stand in one entry again.
function lineEntries(
  { team, project_uuid, slug }: ProjectRow,
  rows: readonly LineRow[],
): readonly Timed[] {
  const timed: { entry: LinesEntry & { rows: LinesEntry['rows'][number][] }; at: number }[] = []
  for (const row of rows.filter(isWhole)) {
    const { mission, mission_id, ledger, git_hash, is_live, line, row_key: key, body } = row
    const history = is_live === 0
    const last = timed.at(-1)
    const isAlike =
      last?.at === row.received_at &&
      last.entry.mission === mission &&
      last.entry.mission_id === mission_id &&
      last.entry.ledger === ledger &&
      last.entry.git_hash === git_hash &&
      last.entry.history === history
    if (isAlike) last.entry.rows.push({ line, key, body })
    else {
      const named = slug === null ? {} : { project_slug: slug }
      const about = { team, project_uuid, ...named, git_hash, mission, mission_id, ledger, history }
      const entry = { kind: 'lines' as const, ...about, rows: [{ line, key, body }] }
      timed.push({ entry, at: row.received_at })
    }
  }
  return timed
}

function pushedEntries(
  { team, project_uuid }: ProjectRow,
  rows: readonly PushedRow[],
): readonly Timed[] {
  return rows.map(({ git_hash, pushed_at }) => ({
    at: pushed_at,
    entry: { kind: 'pushed', team, project_uuid, hashes: [git_hash] },
  }))
}

function isWhole({ body, content_hash }: Numbered): boolean {
  return content_hash.equals(hashOf(body))
}
