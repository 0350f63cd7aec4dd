/**
 * What was parsed of files that are only appended to is kept, so that a look costs as much as is new. The bytes are read and
 * compared as a whole, which takes a hundredth of parsing them: a file that is another one now is parsed anew.
 */

type Kept<Value> = { readonly bytes: Buffer; readonly value: Value }

const KEPT_BYTES_MAX = 8 * 1024 * 1024
const KEPT_FILES_MAX = 8
const NEWLINE = 0x0a

export class AppendedFile<Value> {
  readonly #extend: (text: string, before: Value | null) => Value
  readonly #kept = new Map<string, Kept<Value>>()

  /** `extend`: what the file comes to with these whole lines behind those of `before`, which it may change and answer. */
  constructor(extend: (text: string, before: Value | null) => Value) {
    this.#extend = extend
  }

  /** What these bytes at `path` come to; it may grow with the next call. */
  parse(path: string, bytes: Buffer): Value {
    const known = this.#kept.get(path)
    this.#kept.delete(path)
    // Half a line may be another one once it is whole.
    const isKept = bytes.length <= KEPT_BYTES_MAX && bytes.at(-1) === NEWLINE
    const before = isKept && known !== undefined && startsWith(bytes, known.bytes) ? known : null
    const fresh = bytes.toString('latin1', before?.bytes.length ?? 0)
    const value =
      before !== null && fresh === '' ? before.value : this.#extend(fresh, before?.value ?? null)
    if (isKept) this.#keep(path, { bytes, value })
    return value
  }

  #keep(path: string, kept: Kept<Value>): void {
    this.#kept.set(path, kept)
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= KEPT_FILES_MAX) return
      this.#kept.delete(oldest)
    }
  }
}

function startsWith(bytes: Buffer, start: Buffer): boolean {
  return bytes.subarray(0, start.length).equals(start)
}
