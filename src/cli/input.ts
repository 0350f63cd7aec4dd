/** What a command reads: an argument that may name a file or standard input, and lines of bounded length. */
import { lostInReading } from '../contracts/event-text.ts'
import { JSON_LENGTH_MAX, parseJsonObject } from '../contracts/json/json.ts'
import type { JsonObject } from '../contracts/json/json.ts'
import { InputError } from '../errors.ts'
import type { Context } from './context.ts'
import { interrupted, readChunks } from './source.ts'

/** Bytes of one line or one document. A UTF-16 unit is at least a byte, so nothing readable is cut. */
const LENGTH_MAX = JSON_LENGTH_MAX * 3
/** How long a pipe in the place of an argument's file may be without a writer. */
const WRITER_WAIT_MS = 2_000

/**
 * The text itself, the content of `@FILE`, or standard input for `-`; without a byte order mark.
 *
 * @throws UsageError INPUT_UNREADABLE, InputError LINE_TOO_LONG, NOT_UTF8
 */
export async function readTextArgument(argument: string, context: Context): Promise<string> {
  if (argument !== '-' && !argument.startsWith('@')) return argument
  const parts: Buffer[] = []
  let length = 0
  const path = argument === '-' ? '-' : argument.slice(1)
  for await (const bytes of readChunks(path, context, WRITER_WAIT_MS)) {
    length += bytes.length
    if (length > LENGTH_MAX) throw tooLong()
    parts.push(bytes)
  }
  if (context.signal.aborted) throw interrupted()
  return decode(Buffer.concat(parts), true)
}

/**
 * The object that a text says, where it says one: of a key that stands twice, and of an integer that would be rounded,
 * something else would be recorded than was written.
 *
 * @throws InputError as `parseJsonObject`
 */
export function readObject(text: string): JsonObject {
  const value = parseJsonObject(text)
  const lost = lostInReading(text)[0]
  if (lost === undefined) return value
  const code = lost.code === 'duplicate_key' ? 'JSON_KEY' : 'JSON_NUMBER'
  throw new InputError(code, `${lost.path.join('.')}: ${lost.message}`, {
    hint: 'Write a large number as text, and each key once.',
  })
}

export type InputLine = {
  /** From 1. */
  readonly line: number
  readonly text: string
  /** Why the line can't be taken, or null. */
  readonly error: InputError | null
}

/**
 * The lines of a file or of standard input (`-`), until its end or the interruption. A giant line is passed over,
 * not kept in memory; a last line without its end is not read when interrupted, for it may be cut short.
 */
export async function* readLines(
  source: string,
  context: Context,
  lengthMax: number = LENGTH_MAX,
): AsyncGenerator<InputLine> {
  let line = 1
  let parts: Buffer[] = []
  let length = 0
  const keep = (bytes: Buffer): void => {
    length += bytes.length
    if (length > lengthMax) parts = []
    else if (bytes.length > 0) parts.push(bytes)
  }
  const take = (): InputLine => {
    const read = length > lengthMax ? { text: '', error: tooLong() } : decoded(parts, line === 1)
    parts = []
    length = 0
    return { line: line++, ...read }
  }
  for await (const chunk of readChunks(source, context, Infinity)) {
    let rest = chunk
    for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
      keep(rest.subarray(0, end))
      yield take()
      rest = rest.subarray(end + 1)
    }
    keep(rest)
  }
  if (length > 0 && !context.signal.aborted) yield take()
}

function decoded(
  parts: readonly Buffer[],
  isFirst: boolean,
): { text: string; error: InputError | null } {
  try {
    return { text: decode(Buffer.concat(parts), isFirst), error: null }
  } catch (error) {
    if (error instanceof InputError) return { text: '', error }
    throw error
  }
}

// Other bytes than UTF-8 would be recorded as something that nobody wrote.
function decode(bytes: Buffer, isStart: boolean): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: !isStart }).decode(bytes)
  } catch {
    throw new InputError('NOT_UTF8', 'UTF-8 text is expected', {
      hint: 'Convert the input to UTF-8, for example with `iconv -t utf-8`.',
    })
  }
}

function tooLong(): InputError {
  return new InputError('LINE_TOO_LONG', `a line takes at most ${JSON_LENGTH_MAX} characters`, {
    hint: 'Store large output in a file and put its path and hash into the payload.',
  })
}
