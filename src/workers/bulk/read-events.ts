/** The events of one file, as they are read: a line is kept, never a file of lines. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { EVENT_TEXT_MAX } from '../../contracts/event-text.ts'
import { violation } from '../../contracts/values/violation.ts'
import { readBounded } from '../../project/files/bounded-file.ts'
import type { EventSink } from './event-sink.ts'

/** A document that is no stream of lines, in bytes. */
const DOCUMENT_BYTES_MAX = 16 * 1024 * 1024
/** A UTF-16 unit is at most three bytes, so nothing readable is passed over. */
export const LINE_BYTES_MAX = EVENT_TEXT_MAX * 3
const CHUNK_BYTES = 256 * 1024
const LINES = /\.(?:jsonl|ndjson)$/
const LINE_FEED = 10

/** Lines by the file's ending, else a document. Null, or why the file can't be read. Total; nothing waits for a pipe. */
export function readEvents(path: string, sink: EventSink): string | null {
  return LINES.test(path) ? takeLines(path, sink) : takeDocument(path, sink)
}

function takeDocument(path: string, sink: EventSink): string | null {
  const read = readBounded(path, DOCUMENT_BYTES_MAX, { followLink: true })
  if (read.state !== 'read') return read.state === 'absent' ? 'absent' : read.reason
  const text = decoded(read.bytes)
  if (text === null) sink.takeFault(1, NOT_UTF8)
  else sink.takeDocument(text, DOCUMENT_BYTES_MAX)
  return null
}

function takeLines(path: string, sink: EventSink): string | null {
  let file: number
  try {
    file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  } catch {
    return 'unreadable'
  }
  try {
    if (!fstatSync(file).isFile()) return 'not_a_file'
    const lines = new Lines(sink)
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
      const count = readSync(file, chunk, 0, CHUNK_BYTES, null)
      if (count === 0) break
      lines.take(chunk.subarray(0, count))
    }
    lines.end()
    return null
  } catch {
    return 'unreadable'
  } finally {
    closeSync(file)
  }
}

/** What comes in chunks, line by line. Of a giant only its length is kept. */
class Lines {
  readonly #sink: EventSink
  #parts: Buffer[] = []
  #length = 0
  #line = 1

  constructor(sink: EventSink) {
    this.#sink = sink
  }

  take(chunk: Buffer): void {
    let rest = chunk
    for (let end = rest.indexOf(LINE_FEED); end !== -1; end = rest.indexOf(LINE_FEED)) {
      this.#keep(rest.subarray(0, end))
      this.end()
      this.#line += 1
      rest = rest.subarray(end + 1)
    }
    this.#keep(rest)
  }

  end(): void {
    const [parts, length] = [this.#parts, this.#length]
    this.#parts = []
    this.#length = 0
    if (length > LINE_BYTES_MAX) return this.#sink.takeFault(this.#line, TOO_LARGE)
    const text = decoded(Buffer.concat(parts))
    if (text === null) this.#sink.takeFault(this.#line, NOT_UTF8)
    else if (text.trim() !== '') this.#sink.takeText(this.#line, text)
  }

  #keep(bytes: Buffer): void {
    this.#length += bytes.length
    if (this.#length > LINE_BYTES_MAX) this.#parts = []
    else if (bytes.length > 0) this.#parts.push(bytes)
  }
}

export const NOT_UTF8 = [violation('input', 'not_utf8', [], 'not UTF-8')]
export const TOO_LARGE = [
  violation('input', 'too_large', [], `a line of more than ${LINE_BYTES_MAX} bytes`),
]
const decoder = new TextDecoder('utf-8', { fatal: true })

function decoded(bytes: Buffer): string | null {
  try {
    return decoder.decode(bytes)
  } catch {
    return null
  }
}
