/**
 * What the background process says of itself: codes, counts, and projects by the first digits of their uuid. No paths,
 * no names, no payloads; so what Node itself prints when it crashes, which quotes paths, doesn't go there.
 */
import {
  closeSync,
  constants,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs'
import type { Stats } from 'node:fs'

export type LogLine = {
  readonly at: string
  readonly code: string
  readonly [field: string]: string | number | null
}

export const LOG_BYTES_MAX = 256 * 1024
const LINES_SHOWN_MAX = 10_000
const APPEND =
  constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0)

export class BackgroundLog {
  readonly #path: string
  readonly #bytesMax: number
  #lost = 0

  constructor(path: string, bytesMax = LOG_BYTES_MAX) {
    this.#path = path
    this.#bytesMax = bytesMax
  }

  /** Never throws: a log that can't be written must not end what it tells of. How many lines were lost is said later. */
  write(code: string, fields: Readonly<Record<string, string | number | null>> = {}): void {
    try {
      this.#rotate()
      if (this.#lost > 0) this.#append({ at: now(), code: 'LINES_LOST', count: this.#lost })
      this.#lost = 0
      this.#append({ at: now(), code, ...fields })
    } catch {
      this.#lost++
    }
  }

  #append(line: LogLine): void {
    const file = openSync(this.#path, APPEND, 0o600)
    try {
      const text = Buffer.from(`${JSON.stringify(line)}\n`)
      // A disk that fills takes a part: the next line must not be glued to it.
      if (writeSync(file, text) < text.length) writeSync(file, '\n')
    } finally {
      closeSync(file)
    }
  }

  #rotate(): void {
    const size = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0
    if (size >= this.#bytesMax) renameSync(this.#path, olderOf(this.#path))
  }
}

/** The last `count` lines, the oldest first. Lines that can't be understood are left out. */
export function readLog(path: string, count: number): readonly LogLine[] {
  const text = [olderOf(path), path].map(textOf).join('')
  return linesOf(text).slice(-Math.min(count, LINES_SHOWN_MAX))
}

/** What is written from now on, over rotations; call `next` again and again. */
export function followLog(path: string): { readonly next: () => readonly LogLine[] } {
  let read = sizeOf(path)
  let file = fileOf(path)
  return {
    next: () => {
      const isSame = fileOf(path) === file
      // What came to the old file before it was put aside, then the new one.
      const rest = isSame ? '' : partOf(olderOf(path), read)
      if (!isSame) read = 0
      file = fileOf(path)
      const text = partOf(path, read)
      const whole = text.slice(0, text.lastIndexOf('\n') + 1)
      read += Buffer.byteLength(whole)
      return linesOf(rest + whole)
    },
  }
}

/** A project's name in the log. */
export function shortened(projectUuid: string): string {
  return projectUuid.slice(0, 8)
}

function linesOf(text: string): readonly LogLine[] {
  return text.split('\n').flatMap((line) => {
    try {
      const value = JSON.parse(line) as LogLine
      return typeof value.at === 'string' && typeof value.code === 'string' ? [value] : []
    } catch {
      return []
    }
  })
}

function olderOf(path: string): string {
  return `${path}.1`
}

function textOf(path: string): string {
  return partOf(path, 0)
}

function partOf(path: string, from: number): string {
  try {
    return readFileSync(path).subarray(from).toString('utf8')
  } catch {
    return ''
  }
}

function sizeOf(path: string): number {
  return statOrNull(path)?.size ?? 0
}

function fileOf(path: string): number | null {
  return statOrNull(path)?.ino ?? null
}

/** Where the state directory is none, there is no log. */
function statOrNull(path: string): Stats | null {
  try {
    return statSync(path)
  } catch {
    return null
  }
}

function now(): string {
  return new Date().toISOString()
}
