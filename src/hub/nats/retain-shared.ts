/**
 * Keeps what hubs share to an age: events and commits are emptied by changes in the log, at each hub alike, and what the log said
 * of them goes with a new base.
 */
import { randomUUID } from 'node:crypto'
import { systemCode } from '../../errors.ts'
import type { Change } from '../changes.ts'
import { openDatabase } from '../data/database.ts'
import type { Connection } from '../data/database.ts'
import { epochIn } from '../data/epoch.ts'
import { BASE_AGE_MAX_MS, RETENTION_LOOK_MS, RETENTION_PAUSE_MS } from '../limits.ts'
import type { HubLog } from '../log.ts'
import { idOfProject } from '../upkeep/named-project.ts'
import { added, NOTHING_EMPTIED, Retention } from '../data/retention.ts'
import type { Emptied } from '../data/retention.ts'
import { eraseBelow, headOf, lastDeletion, makeBase } from './base.ts'
import type { Nats, NatsOptions } from './connect.ts'
import { forgetSharedBefore } from './dead-stream.ts'
import { encodeChange, subjectOfChange } from '../data/messages.ts'
import { makeNewBase } from './new-base.ts'
import { emptyStream, withPassingCopy } from './passing-copy.ts'
import { pause } from './waiting.ts'
import { withNats } from './with-nats.ts'

export type SharedRetainRequest = {
  readonly nats: NatsOptions
  /** What came before this time is older, in Unix milliseconds. */
  readonly before: number
  /** Of one project; null for all of all teams. */
  readonly project: { readonly team: string; readonly project: string } | null
  /** Counts, and empties nothing. */
  readonly isDryRun: boolean
}

/**
 * Empties what is older, while hubs serve or not, and makes a base. Each hub writes its files anew as it learns of that.
 *
 * @throws LinkError HUB_PROJECT_UNKNOWN, HUB_STREAM_EMPTY, and what `withNats` throws
 */
export async function retainShared(request: SharedRetainRequest): Promise<Emptied> {
  const { before, project, isDryRun } = request
  return withNats(request.nats, (nats) =>
    withPassingCopy(nats, async ({ dataDir, store, reach }) => {
      if (store.epoch.id === '') throw emptyStream()
      const database = openRows(dataDir)
      try {
        const id = project === null ? null : idOfProject(database, { dataDir, ...project })
        const emptied = new Retention(database).count(before, id)
        if (isDryRun) return emptied
        let through = 0
        for (const change of changesOf(database, before, id)) {
          const { seq } = await nats.jetstream.publish(
            subjectOfChange(change),
            encodeChange(change),
            { msgID: randomUUID() },
          )
          await reach(seq)
          through = seq
        }
        await forgetSharedBefore(nats, before, project)
        // Another one that was made meanwhile may hold what was emptied after its place.
        const isMade = await makeBase(nats, { dataDir, scrub: true, reach })
        if (!isMade) await makeNewBase(nats, { through, scrub: true })
        return emptied
      } finally {
        database.close()
      }
    }),
  )
}

export type SharedKeeperOptions = {
  readonly dataDir: string
  readonly keepMs: number
  readonly log: HubLog
  /** Resolves when this hub has applied it. */
  readonly record: (change: Change) => Promise<void>
  /** How old a base is before it is made anew. */
  readonly baseAgeMs?: number
}

/** Works beside a hub while it is connected; which of the hubs does it is all the same. */
export class SharedKeeper {
  readonly #options: SharedKeeperOptions

  constructor(options: SharedKeeperOptions) {
    this.#options = options
  }

  /** Until the signal. */
  async attach(nats: Nats, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        this.#options.log('retained', await this.#look(nats, signal))
      } catch (error) {
        if (signal.aborted) return
        this.#options.log('retention_failed', { code: systemCode(error) ?? 'unknown' })
      }
      await pause(RETENTION_LOOK_MS, signal)
    }
  }

  async #look(nats: Nats, signal: AbortSignal): Promise<Emptied> {
    const { dataDir, keepMs, record, baseAgeMs = BASE_AGE_MAX_MS } = this.#options
    const before = Date.now() - keepMs
    const database = openRows(dataDir)
    let isAnyEmptied: boolean
    let emptied = NOTHING_EMPTIED
    try {
      emptied = added(emptied, new Retention(database).count(before, null))
      for (const change of changesOf(database, before, null)) {
        await record(change)
        await pause(RETENTION_PAUSE_MS, signal)
        if (signal.aborted) return emptied
      }
      const sql = 'SELECT 1 FROM projects WHERE forgotten > 0 LIMIT 1'
      isAnyEmptied = database.prepare(sql).get() !== undefined
    } finally {
      database.close()
    }
    await forgetSharedBefore(nats, before, null)
    const head = await headOf(nats)
    if (head !== null) await eraseBelow(nats, head)
    // One from a time to come was made by a clock that went wrong.
    const isOld = Math.abs(Date.now() - (head?.made_at ?? 0)) >= baseAgeMs
    // Whoever deletes makes a base anew, unless that was ended.
    const isOutlived = head !== null && (await lastDeletion(nats)) > head.place.seq
    if ((isAnyEmptied && isOld) || isOutlived) await makeBase(nats, { dataDir, scrub: false })
    return emptied
  }
}

/** One after the other: each is made of what the one before has left. */
function* changesOf(
  database: Connection,
  before: number,
  only: number | null,
): Generator<Change & { readonly kind: 'retention' }> {
  const retention = new Retention(database)
  for (const { project_id, team, project_uuid } of retention.projects(only)) {
    let last = 0
    for (let through = retention.next(project_id, before); through !== null;) {
      // One that was not applied, in another epoch, must not be said for ever.
      if (through <= last) break
      last = through
      yield { kind: 'retention', team, project_uuid, epoch: epochIn(database) ?? '', through }
      through = retention.next(project_id, before)
    }
  }
}

function openRows(dataDir: string): Connection {
  return openDatabase(dataDir, { busyTimeoutMs: 0, isLocked: true, create: false })
}
