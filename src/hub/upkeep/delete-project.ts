/**
 * Removes all that a hub holds of one project, so that its bytes are in no file of the data folder any more. What stays is its
 * name and its number, so that no number is given twice, and nobody is asked to send anything again.
 */
import { LinkError } from '../../errors.ts'
import { syncFolder } from '../../project/files/durable-file.ts'
import { sharedData, useOf } from '../data/data-use.ts'

import { forgetLettersOf } from '../data/dead-letters-table.ts'
import { lockFolder, openDatabase, unusable } from '../data/database.ts'
import type { Connection } from '../data/database.ts'
import { idOfProject } from './named-project.ts'
import type { NamedProject } from './named-project.ts'
import { asideIn } from './set-aside.ts'

const BUSY_TIMEOUT_MS = 5_000

export type Deletion = {
  readonly events: number
  readonly commits: number
  /** Rows of ledgers. */
  readonly lines: number
  readonly webhooks: number
  /** Older data that a restore kept aside, which may hold the project still. */
  readonly kept_aside: readonly string[]
}

/**
 * Deletes while no hub serves the folder: one that does would show what it has kept in memory.
 *
 * @throws LinkError HUB_PROJECT_UNKNOWN, HUB_DATA_IN_USE, HUB_DATA_MISSING, HUB_DATA_UNUSABLE, HUB_DATA_NEWER,
 * HUB_DATA_SHARED
 */
export function deleteProject(named: NamedProject): Deletion {
  const { dataDir } = named
  const options = { busyTimeoutMs: BUSY_TIMEOUT_MS, create: false }
  // Before the lock, which would make a folder where there is none.
  openDatabase(dataDir, options).close()
  const lock = lockFolder(dataDir)
  try {
    const counts = deleteAndScrub(openDatabase(dataDir, { ...options, isLocked: true }), named)
    // The log went with the last connection; a power cut would bring it back, with what it holds.
    syncFolder(dataDir)
    return { ...counts, kept_aside: asideIn(dataDir) }
  } catch (error) {
    throw error instanceof LinkError ? error : unusable(error)
  } finally {
    lock.close()
  }
}

function deleteAndScrub(database: Connection, named: NamedProject): Omit<Deletion, 'kept_aside'> {
  try {
    if (useOf(database) === 'shared') throw sharedData()
    try {
      return deleteRows(database, named)
    } finally {
      // What was deleted lies in free pages and in the log until both are written anew; also what a deletion took that was
      // ended, to which the project is unknown when it is asked for again.
      database.exec('VACUUM')
      database.pragma('wal_checkpoint(TRUNCATE)')
    }
  } finally {
    database.close()
  }
}

function deleteRows(database: Connection, named: NamedProject): Omit<Deletion, 'kept_aside'> {
  const run = database.transaction(() => {
    const id = idOfProject(database, named)
    const from = (table: string): number =>
      database.prepare(`DELETE FROM ${table} WHERE project_id = ?`).run(id).changes
    const [events, commits, lines] = [from('events'), from('commits'), from('lines')]
    const webhooks = database
      .prepare('DELETE FROM webhooks WHERE team = ? AND project_uuid = ?')
      .run(named.team, named.project).changes
    // The deletion has a number itself: whoever followed the project is behind it, and learns where it begins now.
    database
      .prepare(
        `UPDATE projects SET head = head + 1, forgotten = head + 1, slug = NULL
         WHERE project_id = ?`,
      )
      .run(id)
    forgetLettersOf(database, named.team, named.project)
    return { events, commits, lines, webhooks }
  })
  return run.immediate()
}
