/** Opens a trace: the whole file becomes a feed of its own. */
import { InputError } from '../errors.ts'
import { readBounded } from '../project/files/bounded-file.ts'
import { Feed } from './feed.ts'
import { checkMessage } from './message-check.ts'
import { INSPECT_PROTOCOL, type TraceHeader, TRACE_HEADER } from './protocol.ts'
import { TRACE_BYTES_MAX } from './trace-writer.ts'

export type Trace = { readonly header: TraceHeader; readonly feed: Feed }

const LINE_FEED = 0x0a
const LINE_BYTES_MAX = 4 * 1024 * 1024

/** @throws InputError TRACE_ABSENT, TRACE_UNREADABLE, TRACE_TOO_LARGE, TRACE_INVALID, TRACE_NEWER */
export function openTrace(path: string): Trace {
  const lines = linesOf(readTrace(path))
  const header = headerOf(lines.next().value ?? '')
  const feed = new Feed({ session: header.session, messagesMax: Infinity })
  let number = 1
  for (const line of lines) {
    number += 1
    const value = parse(line)
    // Cut short in the middle of a write.
    if (value === undefined && lines.isLast) break
    const message = checkMessage(value)
    if (message === null) throw invalid(`line ${number} is no message`)
    if (message === 'unknown') continue
    if (message.seq <= feed.lastSeq) throw invalid(`line ${number} is out of order`)
    feed.add(message, line)
  }
  return { header, feed }
}

function readTrace(path: string): Buffer {
  const read = readBounded(path, TRACE_BYTES_MAX, { followLink: true })
  if (read.state === 'read') return read.bytes
  if (read.state === 'absent') {
    throw new InputError('TRACE_ABSENT', 'there is no such file', {
      hint: 'Name a file that --record has made, or one that `kittiwake doctor` names.',
    })
  }
  if (read.reason === 'too_large') {
    const mib = TRACE_BYTES_MAX / 1024 / 1024
    throw new InputError('TRACE_TOO_LARGE', `a trace has at most ${mib} MiB`, {
      hint: 'Record a shorter run.',
    })
  }
  throw new InputError('TRACE_UNREADABLE', `the file can't be read (${read.reason})`, {
    hint: 'Name a file that you may read.',
  })
}

type Lines = Iterator<string, undefined> & Iterable<string> & { readonly isLast: boolean }

function linesOf(bytes: Buffer): Lines {
  let at = 0
  const lines = {
    get isLast() {
      return at >= bytes.length
    },
    [Symbol.iterator]: () => lines,
    next: (): IteratorResult<string, undefined> => {
      if (at >= bytes.length) return { done: true, value: undefined }
      const found = bytes.indexOf(LINE_FEED, at)
      const end = found === -1 ? bytes.length : found
      if (end - at > LINE_BYTES_MAX) throw invalid('a line is too long')
      const value = bytes.toString('utf8', at, end)
      at = end + 1
      return { done: false, value }
    },
  }
  return lines
}

function headerOf(line: string): TraceHeader {
  const value = parse(line)
  const found = TRACE_HEADER.safeParse(value)
  if (!found.success) throw invalid('its first line is not that of a trace')
  if (found.data.protocol > INSPECT_PROTOCOL) {
    throw new InputError('TRACE_NEWER', 'the trace was written by a newer version', {
      hint: 'Update Kittiwake.',
    })
  }
  return found.data
}

/** Undefined for what is no JSON. */
function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

function invalid(why: string): InputError {
  return new InputError('TRACE_INVALID', `the file is no trace: ${why}`, {
    hint: 'Name a file that --record has made.',
  })
}
