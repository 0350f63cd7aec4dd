/** Writes a recording: a header, then a message a line, numbered. What the disk can't take in time is left out and counted. */
import { randomUUID } from 'node:crypto'
import type { WriteStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { InputError, systemCode } from '../errors.ts'
import { packageVersion } from '../project/program-files.ts'
import { stampNow, type Unnumbered } from './feed-message.ts'
import { INSPECT_PROTOCOL, type TraceHeader } from './protocol.ts'

/** What may wait for the disk. */
const WAITING_BYTES_MAX = 8 * 1024 * 1024
/** A recording ends there. */
export const TRACE_BYTES_MAX = 512 * 1024 * 1024

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
  #leftOut = new Map<string, number>()
  #leftOutFrom = 0
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

  private constructor(stream: WriteStream) {
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
    } else if (this.#stream.writableLength > WAITING_BYTES_MAX) {
      if (this.#leftOut.size === 0) this.#leftOutFrom = message.mono
      this.#leftOut.set(message.type, (this.#leftOut.get(message.type) ?? 0) + 1)
    } else {
      this.#tellLeftOut()
      this.#number(message)
    }
  }

  /** Resolves once all is written; never rejects. */
  async close(): Promise<void> {
    if (this.#failure === null) this.#tellLeftOut()
    await new Promise<void>((resolve) => {
      if (this.#stream.destroyed) resolve()
      this.#stream.once('close', () => resolve())
      this.#stream.end()
    })
  }

  #tellLeftOut(): void {
    if (this.#leftOut.size === 0) return
    const byType = Object.fromEntries(this.#leftOut)
    this.#leftOut = new Map()
    const stamp = stampNow()
    this.#number({
      type: 'kittiwake.sampled',
      ...stamp,
      reason: 'slow_reader',
      leftOut: Object.values(byType).reduce((sum, count) => sum + count, 0),
      byType,
      fromMono: this.#leftOutFrom,
      toMono: stamp.mono,
    })
  }

  #number(message: Unnumbered): void {
    this.#seq += 1
    const { type, ...rest } = message
    this.#write(JSON.stringify({ type, seq: this.#seq, ...rest }))
  }

  #write(line: string): void {
    this.#bytes += line.length + 1
    this.#stream.write(`${line}\n`)
  }
}
