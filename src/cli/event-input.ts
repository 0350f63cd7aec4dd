/** Events on standard input, and where else a command finds them. */
import { basename } from 'node:path'
import type { EventSink } from '../workers/bulk/event-sink.ts'
import { LINE_BYTES_MAX, NOT_UTF8, TOO_LARGE } from '../workers/bulk/read-events.ts'
import type { Context } from './context.ts'
import { readLines } from './input.ts'

/** Files below a folder that hold events. */
export const EVENT_ENDINGS = ['.json', '.jsonl', '.ndjson']
export const STDIN = '-'

/** What to say of faults in the logs of missions, which people take for events. */
export async function aboutMissionLogs(paths: readonly string[]): Promise<readonly string[]> {
  const [{ STATUS_LOG }, { DECISION_LOG }] = await Promise.all([
    import('../contracts/ledgers/status-record.ts'),
    import('../contracts/ledgers/decision-record.ts'),
  ])
  const isLog = paths.some((path) => [STATUS_LOG, DECISION_LOG].includes(basename(path)))
  const rows = 'The log of a mission holds rows, not events.'
  return isLog ? [`${rows} \`kittiwake status verify\` and \`kittiwake doctor\` judge it.`] : []
}

/** Lines as in a file, or one document. */
export async function readInputEvents(context: Context, sink: EventSink): Promise<void> {
  const document = new InputDocument(sink)
  for await (const { line, text, error } of readLines(STDIN, context, LINE_BYTES_MAX)) {
    if (error !== null) sink.takeFault(line, error.code === 'NOT_UTF8' ? NOT_UTF8 : TOO_LARGE)
    else if (!document.take(line, text)) sink.takeText(line, text)
  }
  document.end()
}

/** The bytes of a document on standard input that is spread over lines. */
const DOCUMENT_LENGTH_MAX = 16 * 1024 * 1024

/** Standard input is lines, unless its first line is an array or only the beginning of a document. */
class InputDocument {
  readonly #sink: EventSink
  #isDocument: boolean | null = null
  #parts: string[] = []
  #length = 0

  constructor(sink: EventSink) {
    this.#sink = sink
  }

  /** False where the line stands for itself. */
  take(_: number, text: string): boolean {
    if (text.trim() === '') return true
    this.#isDocument ??= /^\s*\[/.test(text) || !isWhole(text)
    if (!this.#isDocument) return false
    this.#length += text.length + 1
    if (this.#length > DOCUMENT_LENGTH_MAX) this.#parts = []
    this.#parts.push(text)
    return true
  }

  end(): void {
    if (this.#isDocument !== true) return
    // What was too long is no longer there; its length alone is told.
    const text =
      this.#length > DOCUMENT_LENGTH_MAX
        ? ' '.repeat(DOCUMENT_LENGTH_MAX + 1)
        : this.#parts.join('\n')
    this.#sink.takeDocument(text, DOCUMENT_LENGTH_MAX)
  }
}

function isWhole(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    // A line that is no JSON at all is a line, too.
    return !/^\s*[{[]/.test(text) || /[}\]]\s*$/.test(text)
  }
}
