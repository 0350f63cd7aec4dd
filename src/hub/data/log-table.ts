/** What a hub took from the log that it shares with others: how far it is, and the last messages as they were. */
import type { Statement } from 'better-sqlite3'
import { isJsonObject, parseJson } from '../../contracts/json/json.ts'
import type { Connection } from './database.ts'
import { LOG_BYTES_MAX } from '../limits.ts'

/** The last message that was applied; 0 and no id where none was. */
export type Position = { readonly seq: number; readonly id: string }

export type LoggedMessage = {
  readonly stream_seq: number
  readonly message_id: string
  readonly subject: string
  /** Empty where what it said was forgotten. */
  readonly body: Buffer
}

const FORGET = "UPDATE log SET subject = '', body = x''"
const START: Position = { seq: 0, id: '' }
/** How many messages come between two looks at what may be forgotten. */
const TRIM_EVERY = 500

export class LogTable {
  readonly #database: Connection
  readonly #add: Statement<[LoggedMessage & { ends_at: number }]>
  readonly #move: Statement<[string]>
  readonly #at: Statement<[number], LoggedMessage>
  readonly #seqs: Statement<[], number>
  #position: Position
  #bytes: number
  #untrimmed = 0

  constructor(database: Connection) {
    this.#database = database
    this.#add = database.prepare(
      `INSERT INTO log (stream_seq, message_id, subject, body, ends_at)
       VALUES (@stream_seq, @message_id, @subject, @body, @ends_at)`,
    )
    this.#move = database.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES ('position', ?)")
    this.#at = database.prepare(
      'SELECT stream_seq, message_id, subject, body FROM log WHERE stream_seq = ?',
    )
    this.#seqs = database
      .prepare<[], number>('SELECT stream_seq FROM log ORDER BY stream_seq')
      .pluck()
    this.#position = positionIn(database, 'position') ?? START
    const bytes = database.prepare('SELECT coalesce(max(ends_at), 0) FROM log').pluck()
    this.#bytes = Number(bytes.get())
  }

  get position(): Position {
    return this.#position
  }

  /** In the caller's transaction. */
  record(messages: readonly LoggedMessage[]): void {
    for (const message of messages) {
      this.#bytes += message.body.length
      const { stream_seq, message_id, subject, body } = message
      this.#add.run({ stream_seq, message_id, subject, body, ends_at: this.#bytes })
    }
    const last = messages.at(-1)
    if (last === undefined) return
    this.#move.run(JSON.stringify({ seq: last.stream_seq, id: last.message_id }))
    this.#trim(messages.length)
  }

  /** In the caller's transaction: what the messages of these subjects said is to be nowhere. Their places stay. */
  forget(prefixes: readonly string[]): void {
    const forget = this.#database.prepare(`${FORGET} WHERE substr(subject, 1, ?) = ?`)
    for (const prefix of prefixes) forget.run(prefix.length, prefix)
  }

  /** As `forget`, of all up to a place. */
  forgetThrough(seq: number): void {
    this.#database.prepare(`${FORGET} WHERE stream_seq <= ?`).run(seq)
  }

  /** What `record` wrote is committed, or rolled back. */
  settle(): void {
    this.#position = positionIn(this.#database, 'position') ?? START
  }

  /** The places of the messages that are kept, in order. */
  places(): readonly number[] {
    return this.#seqs.all()
  }

  /** Whether it knows what stood at each place from one on: those that it has no message of were deleted. */
  reachesBack(seq: number): boolean {
    const first = this.#database.prepare('SELECT min(stream_seq) FROM log').pluck().get()
    return typeof first === 'number' && first <= seq
  }

  at(stream_seq: number): LoggedMessage | null {
    return this.#at.get(stream_seq) ?? null
  }

  // Long enough that whatever a server has not written to its disk yet is still here.
  #trim(count: number): void {
    this.#untrimmed += count
    if (this.#untrimmed < TRIM_EVERY) return
    this.#untrimmed = 0
    this.#database.prepare('DELETE FROM log WHERE ends_at < ?').run(this.#bytes - LOG_BYTES_MAX)
  }
}

/** A place of the log that was noted under a name; null where none was. */
export function positionIn(database: Connection, name: string): Position | null {
  const text = database.prepare('SELECT value FROM meta WHERE key = ?').pluck().get(name)
  if (typeof text !== 'string') return null
  const value = parseJson(text)
  if (!isJsonObject(value)) return null
  const { seq, id } = value
  return typeof seq === 'number' && typeof id === 'string' ? { seq, id } : null
}
