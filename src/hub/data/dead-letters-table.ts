/** The dead letters of a hub that is alone: the latest, and of each event the last. */
import type { Statement } from 'better-sqlite3'
import type { Connection } from './database.ts'
import { inTransaction } from './database.ts'
import type { DeadLetter } from '../entries.ts'
import { DEAD_LETTERS_MAX } from '../limits.ts'

const COLUMNS = 'team, event_id, project_uuid, category, token_id, refused_at'

export class DeadLettersTable {
  readonly #database: Connection
  readonly #add: Statement<[DeadLetter]>
  readonly #trim: Statement<[number]>

  constructor(database: Connection) {
    this.#database = database
    this.#add = database.prepare(
      `INSERT OR REPLACE INTO dead_letters (${COLUMNS})
       VALUES (@team, @event_id, @project_uuid, @category, @token_id, @refused_at)`,
    )
    this.#trim = database.prepare(
      'DELETE FROM dead_letters WHERE place <= (SELECT max(place) FROM dead_letters) - ?',
    )
  }

  add(letters: readonly DeadLetter[]): void {
    const run = this.#database.transaction(() => {
      for (const letter of letters) this.#add.run(letter)
      this.#trim.run(DEAD_LETTERS_MAX)
    })
    run.immediate()
  }
}

/** The latest last. @throws LinkError HUB_DATA_MISSING, HUB_DATA_UNUSABLE, HUB_DATA_NEWER */
export function listDeadLetters(dataDir: string): readonly DeadLetter[] {
  return inTransaction(dataDir, false, (database) =>
    database.prepare<[], DeadLetter>(`SELECT ${COLUMNS} FROM dead_letters ORDER BY place`).all(),
  )
}

/** Those of a project that is deleted, and of its team those that name none, which may be its own. In the caller's transaction. */
export function forgetLettersOf(database: Connection, team: string, projectUuid: string): void {
  database
    .prepare(
      `DELETE FROM dead_letters
       WHERE team = ? AND (project_uuid = ? OR project_uuid IS NULL)`,
    )
    .run(team, projectUuid)
}

/**
 * Those that came before a time, in Unix milliseconds.
 *
 * @param only of one project; null for all
 */
export function forgetLettersBefore(
  database: Connection,
  before: number,
  only: number | null,
): void {
  database
    .prepare(
      `DELETE FROM dead_letters WHERE refused_at < @before AND (@only IS NULL OR
         (team, project_uuid) = (SELECT team, project_uuid FROM projects WHERE project_id = @only))`,
    )
    .run({ before, only })
}
