/**
 * A text as a reader would understand it: `%xx`, `\uXXXX` and JSON escapes decoded, NFC, full-width ASCII narrowed.
 * For matching only: a hit in the view is cut out of the raw text through `starts`.
 */

export type CanonicalView = {
  readonly text: string
  /** The raw offset at which each unit of the view begins, and the raw length at the end. */
  readonly starts: Uint32Array
}

const ESCAPED = /(?:%(?:25){0,3}[0-9A-Fa-f]{2})+|\\{1,8}(?:u[0-9A-Fa-f]{4}|[nrt"'/])/g
const ESCAPED_OR_DECOMPOSED =
  /(?:%(?:25){0,3}[0-9A-Fa-f]{2})+|\\{1,8}(?:u[0-9A-Fa-f]{4}|[nrt"'/])|[\p{L}\p{N}]\p{M}+|[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?|[\uff01-\uff5e]/gu
const PERCENT_BYTE = /%(?:25){0,3}([0-9A-Fa-f]{2})/g
const FULL_WIDTH_OFFSET = 0xfee0

/** The view, or null where it is the text itself. */
export function canonicalView(raw: string): CanonicalView | null {
  const encoded = isComposed(raw) ? ESCAPED : ESCAPED_OR_DECOMPOSED
  encoded.lastIndex = 0
  let match = encoded.exec(raw)
  if (match === null) return null
  const view = new ViewBuilder(raw)
  for (; match !== null; match = encoded.exec(raw)) {
    view.copyUntil(match.index)
    if (match[0].startsWith('%')) decodeBytes(match[0], match.index, view)
    else view.put(decodeOne(match[0]), match.index)
    view.skipTo(match.index + match[0].length)
  }
  return view.finish()
}

const FULL_WIDTH = /[\uff01-\uff5e]/

function isComposed(text: string): boolean {
  return text === text.normalize('NFC') && !FULL_WIDTH.test(text)
}

const CONTROL_BY_LETTER: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' }

function decodeOne(encoded: string): string {
  if (!encoded.startsWith('\\')) {
    const unit = encoded.charCodeAt(0)
    if (unit >= 0xff01 && unit <= 0xff5e) return String.fromCharCode(unit - FULL_WIDTH_OFFSET)
    return encoded.normalize('NFC')
  }
  const escape = encoded.slice(encoded.lastIndexOf('\\') + 1)
  if (escape.length === 5) return String.fromCharCode(Number.parseInt(escape.slice(1), 16))
  return CONTROL_BY_LETTER[escape] ?? escape
}

/** Percent-encoded bytes as UTF-8; a byte that isn't part of a valid sequence stands for itself. */
function decodeBytes(run: string, offset: number, view: ViewBuilder): void {
  const values: number[] = []
  const starts: number[] = []
  PERCENT_BYTE.lastIndex = 0
  for (let match = PERCENT_BYTE.exec(run); match !== null; match = PERCENT_BYTE.exec(run)) {
    values.push(Number.parseInt(match[1] as string, 16))
    starts.push(offset + match.index)
  }
  for (let i = 0; i < values.length;) {
    const lead = values[i] as number
    const length = sequenceLength(lead)
    const point = length === 1 ? lead : codePointOf(values, i, length)
    view.put(String.fromCodePoint(point ?? lead), starts[i] as number)
    i += point === null ? 1 : length
  }
}

function sequenceLength(lead: number): number {
  if (lead < 0xc0) return 1
  if (lead < 0xe0) return 2
  return lead < 0xf0 ? 3 : 4
}

const LEAD_MASK = [0, 0, 0x1f, 0x0f, 0x07]
const CODE_POINT_MAX = 0x10ffff

function codePointOf(values: readonly number[], from: number, length: number): number | null {
  let point = (values[from] as number) & (LEAD_MASK[length] as number)
  for (let i = from + 1; i < from + length; i++) {
    const value = values[i]
    if (value === undefined || value >> 6 !== 2) return null
    point = (point << 6) | (value & 0x3f)
  }
  return point > CODE_POINT_MAX ? null : point
}

class ViewBuilder {
  readonly #raw: string
  readonly #parts: string[] = []
  // NFC and the decodings never lengthen a text beyond this.
  readonly #starts: Uint32Array
  #length = 0
  #next = 0

  constructor(raw: string) {
    this.#raw = raw
    this.#starts = new Uint32Array(raw.length * 3 + 1)
  }

  copyUntil(end: number): void {
    this.#parts.push(this.#raw.slice(this.#next, end))
    for (let i = this.#next; i < end; i++) this.#starts[this.#length++] = i
  }

  put(decoded: string, start: number): void {
    this.#parts.push(decoded)
    for (let i = 0; i < decoded.length; i++) this.#starts[this.#length++] = start
  }

  skipTo(offset: number): void {
    this.#next = offset
  }

  finish(): CanonicalView {
    this.copyUntil(this.#raw.length)
    this.#starts[this.#length] = this.#raw.length
    return { text: this.#parts.join(''), starts: this.#starts.subarray(0, this.#length + 1) }
  }
}
