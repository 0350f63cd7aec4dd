/**
 * `<commonDir>/kittiwake/unqueued/<event_id>.json`: an event that a line of a ledger stands for and that the outbox may
 * not hold yet. Durable before the line is appended, and goes once the outbox has the event: so a crash in between
 * neither loses the event nor sends one whose line never came.
 */
import { existsSync, readdirSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, relative, resolve, sep } from 'node:path'
import { EVENT_ID_PATTERN } from '../../../contracts/event.ts'
import type { SerializedEvent } from '../../../contracts/event.ts'
import { isJsonObject, JSON_LENGTH_MAX, parseJson } from '../../../contracts/json/json.ts'
import { systemCode } from '../../../errors.ts'
import { STATE_DIRECTORY } from '../../../project/git/repository-lock.ts'
import { readBounded } from '../../../project/files/bounded-file.ts'
import type { DurableFs } from '../disk/durable-fs.ts'
import { readOwned, setAside } from '../disk/owned-json.ts'
import { LOG_BYTES_MAX } from '../logs/log-file.ts'
import type { Warnings } from '../warnings.ts'

const SUFFIX = '.json'
/** The serialized event as a string in a document: every quote of it takes two characters. */
const NOTE_BYTES_MAX = 3 * JSON_LENGTH_MAX

export type UnqueuedOptions = {
  readonly fs: DurableFs
  /** The primary checkout. */
  readonly root: string
  readonly commonDir: string
  readonly warnings: Warnings
}

/** The folder of the notes, which is there only while there are any. */
export function unqueuedPath(commonDir: string): string {
  return join(commonDir, STATE_DIRECTORY, 'unqueued')
}

/** Whether a ledger line may stand for an event that is in no outbox: one look, no file is read. */
export function hasUnqueued(commonDir: string): boolean {
  const folder = unqueuedPath(commonDir)
  return existsSync(folder) && readdirSync(folder).some((name) => name.endsWith(SUFFIX))
}

/** All methods are called under the repository lock; they throw GitError LEDGER_STATE_UNREADABLE and system errors. */
export class Unqueued {
  readonly #options: UnqueuedOptions

  constructor(options: UnqueuedOptions) {
    this.#options = options
  }

  /** Durable when it returns. `logPath`: absolute, of the log to which the line is about to be appended. */
  async note(event: SerializedEvent, eventId: string, logPath: string): Promise<void> {
    const { fs, root } = this.#options
    await fs.makeDirectory(this.#folder)
    // Relative: where somebody's checkout lies is nobody's business.
    const log = relative(root, logPath).split(sep).join('/')
    const text = JSON.stringify({ log, event })
    await fs.replaceFile(this.#pathOf(eventId), { bytes: Buffer.from(text) })
  }

  /** Those whose line is in its log, oldest first. A note whose line never came goes. */
  async events(): Promise<readonly SerializedEvent[]> {
    const found: SerializedEvent[] = []
    for (const eventId of await this.#ids()) {
      const note = await this.#read(eventId)
      if (note === null) continue
      const holds = holdsLine(resolve(this.#options.root, note.log), eventId)
      if (holds === true) found.push(note.event)
      // A log that can't be read now may hold it all the same.
      if (holds === false) await this.#options.fs.remove(this.#pathOf(eventId))
    }
    await this.#leave()
    return found
  }

  /** The outbox holds these. */
  async forget(eventIds: readonly string[]): Promise<void> {
    for (const eventId of eventIds) {
      if (EVENT_ID_PATTERN.test(eventId)) await this.#options.fs.remove(this.#pathOf(eventId))
    }
    await this.#leave()
  }

  get #folder(): string {
    return unqueuedPath(this.#options.commonDir)
  }

  #pathOf(eventId: string): string {
    return join(this.#folder, `${eventId}${SUFFIX}`)
  }

  async #ids(): Promise<readonly string[]> {
    const names = await readdir(this.#folder).catch((error: unknown) => {
      if (systemCode(error) === 'ENOENT') return []
      throw error
    })
    const ids = names.filter((name) => name.endsWith(SUFFIX)).map((name) => name.slice(0, -5))
    return ids.filter((id) => EVENT_ID_PATTERN.test(id)).sort()
  }

  async #read(eventId: string): Promise<{ log: string; event: SerializedEvent } | null> {
    const path = this.#pathOf(eventId)
    const reading = await readOwned(path, NOTE_BYTES_MAX)
    if (reading.state === 'absent') return null
    const { log, event } = reading.state === 'read' ? reading.value : {}
    if (typeof log === 'string' && typeof event === 'string') {
      return { log, event: event as SerializedEvent }
    }
    const { fs, warnings } = this.#options
    await setAside(fs, path)
    warnings.add(
      'UNQUEUED_DAMAGED',
      'The note of an event that had still to be queued was damaged and set aside.',
    )
    return null
  }

  /** Without notes there is no folder: to look for one is all that a command has to do. */
  async #leave(): Promise<void> {
    const { fs } = this.#options
    await fs.removeEmptyFolders(this.#folder).catch((error: unknown) => {
      if (!['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(systemCode(error) ?? '')) throw error
    })
  }
}

/** Whether a whole line of the log has this id; null where the log can't be read. */
function holdsLine(path: string, eventId: string): boolean | null {
  const reading = readBounded(path, LOG_BYTES_MAX, { followLink: false })
  if (reading.state === 'absent') return false
  if (reading.state !== 'read') return null
  const { bytes } = reading
  for (let at = bytes.indexOf(eventId); at !== -1; at = bytes.indexOf(eventId, at + 1)) {
    const start = bytes.lastIndexOf('\n', at) + 1
    const end = bytes.indexOf('\n', at)
    if (idOf(bytes.toString('utf8', start, end === -1 ? bytes.length : end)) === eventId) {
      return true
    }
  }
  return false
}

function idOf(line: string): unknown {
  try {
    const value = parseJson(line)
    return isJsonObject(value) ? value['event_id'] : null
  } catch {
    return null
  }
}
