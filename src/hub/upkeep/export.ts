/** The events of one project, as their writers sent them, in the order in which they came. */
import { openDatabase } from '../data/database.ts'
import { idOfProject } from './named-project.ts'
import type { NamedProject } from './named-project.ts'
import { hashOf } from '../data/row-content.ts'

const BUSY_TIMEOUT_MS = 5_000

export type Exported = {
  readonly events: number
  /** Numbers of those that the hub can no longer read; they are left out. */
  readonly damaged: readonly number[]
}

type Row = { readonly project_seq: number; readonly body: string; readonly content_hash: Buffer }

/**
 * Hands the events to `write`, one JSON document each, as they were at one moment, while a hub serves or not.
 *
 * @throws LinkError HUB_PROJECT_UNKNOWN, HUB_DATA_MISSING, HUB_DATA_UNUSABLE, HUB_DATA_NEWER
 */
export function exportEvents(
  named: NamedProject,
  write: (documents: Iterable<string>) => number,
): Exported {
  const database = openDatabase(named.dataDir, { busyTimeoutMs: BUSY_TIMEOUT_MS, create: false })
  try {
    const id = idOfProject(database, named)
    const rows = database.prepare<[number], Row>(
      `SELECT project_seq, body, content_hash FROM events
       WHERE project_id = ? AND body <> '' ORDER BY project_seq`,
    )
    const damaged: number[] = []
    const events = write(wholeBodies(() => rows.iterate(id), damaged))
    return { events, damaged }
  } finally {
    database.close()
  }
}

// The rows are opened by who reads them: a statement that nobody reads to its end would hold the connection open.
function* wholeBodies(rows: () => Iterable<Row>, damaged: number[]): Iterable<string> {
  for (const { project_seq, body, content_hash } of rows()) {
    if (content_hash.equals(hashOf(body))) yield body
    else damaged.push(project_seq)
  }
}
