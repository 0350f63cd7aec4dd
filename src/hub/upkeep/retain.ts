/** Keeps a hub's data to an age: once, with the file written anew, or again and again beside a hub that serves. */
import { LinkError, systemCode } from '../../errors.ts'
import { syncFolder } from '../../project/files/durable-file.ts'
import { sharedData, useOf } from '../data/data-use.ts'
import { lockFolder, openDatabase, unusable } from '../data/database.ts'
import type { Connection } from '../data/database.ts'
import { RETENTION_LOOK_MS, RETENTION_PAUSE_MS } from '../limits.ts'
import type { HubLog } from '../log.ts'
import { idOfProject } from './named-project.ts'
import { added, NOTHING_EMPTIED, Retention } from '../data/retention.ts'
import type { Emptied } from '../data/retention.ts'
import { asideIn } from './set-aside.ts'

const BUSY_TIMEOUT_MS = 5_000

export type RetainRequest = {
  readonly dataDir: string
  readonly keepMs: number
  /** Of one project; null for all of all teams. */
  readonly project: { readonly team: string; readonly project: string } | null
}

export type Retained = Emptied & {
  /** Older data that a restore kept aside, which holds them still. */
  readonly kept_aside: readonly string[]
}

/**
 * Empties what is older, and writes the file anew, so that no byte of it is in any file of the folder; no hub may serve it.
 *
 * @throws LinkError HUB_PROJECT_UNKNOWN, HUB_DATA_IN_USE, HUB_DATA_SHARED, HUB_DATA_MISSING, HUB_DATA_UNUSABLE, HUB_DATA_NEWER
 */
export function retainHub(request: RetainRequest): Retained {
  const { dataDir, keepMs } = request
  // Before the lock, which would make a folder where there is none.
  openDatabase(dataDir, { busyTimeoutMs: BUSY_TIMEOUT_MS, create: false }).close()
  const lock = lockFolder(dataDir)
  try {
    const retained = withDatabase(dataDir, true, (database) => {
      const retention = new Retention(database)
      let all = NOTHING_EMPTIED
      const steps = retention.steps(Date.now() - keepMs, idIn(database, request))
      for (const step of steps) all = added(all, step)
      database.exec('VACUUM')
      retention.settle()
      return { ...all, kept_aside: asideIn(dataDir) }
    })
    // As after a deletion: the log that went must not come back.
    syncFolder(dataDir)
    return retained
  } catch (error) {
    throw error instanceof LinkError ? error : unusable(error)
  } finally {
    lock.close()
  }
}

/** How much `retainHub` would empty, while a hub serves or not. @throws as `retainHub` but HUB_DATA_IN_USE */
export function countOlder(request: RetainRequest): Emptied {
  const { dataDir, keepMs } = request
  return withDatabase(dataDir, false, (database) =>
    new Retention(database).count(Date.now() - keepMs, idIn(database, request)),
  )
}

function idIn(database: Connection, { dataDir, project }: RetainRequest): number | null {
  return project === null ? null : idOfProject(database, { dataDir, ...project })
}

function withDatabase<Value>(
  dataDir: string,
  isLocked: boolean,
  work: (database: Connection) => Value,
): Value {
  const options = { busyTimeoutMs: BUSY_TIMEOUT_MS, create: false, isLocked }
  const database = openDatabase(dataDir, options)
  try {
    // The log that hubs share would keep what a copy of it has emptied.
    if (useOf(database) === 'shared') throw sharedData()
    return work(database)
  } catch (error) {
    throw error instanceof LinkError ? error : unusable(error)
  } finally {
    database.close()
  }
}

export type KeeperOptions = {
  readonly dataDir: string
  readonly keepMs: number
  readonly log: HubLog
}

/** Works beside the hub of this process, on a connection of its own, in steps that are shorter than a transaction of it. */
export class Keeper {
  readonly #database: Connection
  readonly #retention: Retention
  readonly #keepMs: number
  readonly #log: HubLog
  #timer: NodeJS.Timeout | undefined
  #steps: Generator<Emptied> | null = null
  #all = NOTHING_EMPTIED

  /** The hub holds the folder's lock. @throws LinkError HUB_DATA_UNUSABLE */
  constructor({ dataDir, keepMs, log }: KeeperOptions) {
    // It waits for nobody: the next step comes soon.
    const options = { busyTimeoutMs: 0, isLocked: true, create: false }
    this.#database = openDatabase(dataDir, options)
    this.#retention = new Retention(this.#database)
    this.#keepMs = keepMs
    this.#log = log
    this.#later(0)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#steps?.return(undefined)
    this.#database.close()
  }

  #later(waitMs: number): void {
    this.#timer = setTimeout(() => this.#later(this.#step()), waitMs)
  }

  /** When the next is due. */
  #step(): number {
    try {
      this.#steps ??= this.#retention.steps(Date.now() - this.#keepMs, null)
      const { value } = this.#steps.next()
      if (value !== undefined) {
        this.#all = added(this.#all, value as Emptied)
        return RETENTION_PAUSE_MS
      }
      if (this.#all !== NOTHING_EMPTIED) this.#retention.settle()
      this.#log('retained', this.#all)
    } catch (error) {
      this.#log('retention_failed', { code: systemCode(error) ?? 'unknown' })
    }
    this.#steps = null
    this.#all = NOTHING_EMPTIED
    return RETENTION_LOOK_MS
  }
}
