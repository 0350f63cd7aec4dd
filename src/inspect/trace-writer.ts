/** Writes a recording: a header, then a message a line, numbered. What the disk can't take in time is left out and counted. */
import { randomUUID } from 'node:crypto'
import type { WriteStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { InputError, systemCode } from '../errors.ts'
import { packageVersion } from '../project/program-files.ts'
import { BoundedTeller } from './bounded-teller.ts'
import { stampNow, type Unnumbered } from './feed-message.ts'
import { INSPECT_PROTOCOL, type TraceHeader } from './protocol.ts'

/** What may wait for the disk. */
const WAITING_BYTES_MAX = 8 * 1024 * 1024
/** A recording ends there. */
export const TRACE_BYTES_MAX = 256 * 1024 * 1024

export function traceHeader(
  reason: TraceHeader['reason'],
  failure?: TraceHeader['failure'],
): TraceHeader {
  return {
    type: 'kittiwake.trace',
    protocol: INSPECT_PROTOCOL,
    session: randomUUID(),
    version: packageVersion(),
    node: process.version,
    createdAt: String(Date.now()),
    reason,
    ...(failure === undefined ? {} : { failure }),
  }
}

export class TraceWriter {
  readonly #stream: WriteStream
  #seq = 0
  #bytes = 0
  readonly #teller = new BoundedTeller({
    write: (message) => this.#number(message),
    isFull: () => this.#stream.writableLength > WAITING_BYTES_MAX,
  })
  #failure: string | null = null

  /** A new file, for its owner alone. @throws InputError TRACE_EXISTS, TRACE_UNWRITABLE */
  static async create(path: string): Promise<TraceWriter> {
    try {
      const file = await open(path, 'wx', 0o600)
      return new TraceWriter(file.createWriteStream())
    } catch (error) {
      const code = systemCode(error)
      if (code === null) throw error
      throw code === 'EEXIST'
        ? new InputError('TRACE_EXISTS', 'the file is there already', {
            hint: 'Name another one.',
            cause: error,
          })
        : new InputError('TRACE_UNWRITABLE', `the file can't be written (${code})`, {
            hint: 'Name a file in a folder that you can write to.',
            cause: error,
          })
    }
  }

  constructor(stream: WriteStream) {
    this.#stream = stream
    stream.on('error', (error) => {
      this.#failure ??= systemCode(error) ?? 'UNKNOWN'
    })
    this.#write(JSON.stringify(traceHeader('record')))
  }

  /** Why nothing more is written: the system's code, or `FULL`; null where all is well. */
  get failure(): string | null {
    return this.#failure
  }

  tell(message: Unnumbered): void {
    if (this.#failure !== null) return
    if (this.#bytes >= TRACE_BYTES_MAX) {
      this.#number({ type: 'kittiwake.ended', ...stampNow(), reason: 'record_full' })
      this.#failure = 'FULL'
    } else this.#teller.tell(message)
  }

  /** Resolves once all is written; never rejects. */
  async close(): Promise<void> {
    if (this.#failure === null) this.#teller.flush()
    await new Promise<void>((resolve) => {
      if (this.#stream.destroyed) resolve()
      this.#stream.once('close', () => resolve())
      this.#stream.end()
    })
  }

  #number(message: Unnumbered): void {
    this.#seq += 1
    this.#write(`{"seq":${this.#seq},${JSON.stringify(message).slice(1)}`)
  }

  #write(line: string): void {
    this.#bytes += line.length + 1
    this.#stream.write(`${line}\n`)
  }
}
