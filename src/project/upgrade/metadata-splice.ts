/** Edits of the text of `.kittify/metadata.yaml` by the places that its parser gave. */
import { isMap, isScalar, isSeq, parseDocument, Scalar } from 'yaml'
import type { Pair, YAMLSeq } from 'yaml'
import { blockOf, isEmpty, pairOf } from '../config/config-nodes.ts'
import type { LedgerRow } from './metadata.ts'
import { scalarText } from '../config/yaml-scalar.ts'
import type { ScalarValue } from '../config/yaml-scalar.ts'
import { newlineOf, rangeOf } from '../config/yaml-text.ts'

const INDENT = '  '

/** Each method answers whether it could be done by places. */
export class MetadataSplice {
  readonly #text: string
  readonly #newline: string
  readonly #top: unknown
  readonly #edits: { readonly from: number; readonly to: number; readonly text: string }[] = []
  #tail = ''

  constructor(source: string) {
    this.#newline = newlineOf(source)
    this.#text = source.endsWith('\n') ? source : `${source}${this.#newline}`
    this.#top = parseDocument(this.#text, { uniqueKeys: false, prettyErrors: false }).contents
  }

  setFields(name: string, fields: Readonly<Record<string, ScalarValue>>): boolean {
    const keys = Object.keys(fields)
    if (keys.length === 0) return true
    const pair = pairOf(this.#top, name)
    const lines = (wanted: readonly string[], indent: string): string[] =>
      wanted.map((key) => `${indent}${key}: ${scalarText(fields[key] ?? null)}`)
    if (pair === null) this.#append([`${name}:`, ...lines(keys, INDENT)])
    if (pair === null) return true
    if (isEmpty(pair.value)) return this.#fill(pair, lines(keys, INDENT))
    const map = pair.value
    const indent = this.#indentOf(map)
    if (!isMap(map) || indent === null) return false
    for (const key of keys) {
      const field = pairOf(map, key)
      if (field !== null && !this.#replace(field, scalarText(fields[key] ?? null))) return false
    }
    const missing = keys.filter((key) => pairOf(map, key) === null)
    return missing.length === 0 || this.#insertBelow(map.items.at(-1), lines(missing, indent))
  }

  appendRows(rows: readonly LedgerRow[]): boolean {
    const migrations = pairOf(this.#top, 'migrations')
    const list = (indent: string): string[] => rows.flatMap((row) => rowLines(row, indent))
    const block = (indent: string): string[] =>
      rows.length === 0 ? [`${indent}applied: []`] : [`${indent}applied:`, ...list(indent)]
    if (migrations === null) this.#append(['migrations:', ...block(INDENT)])
    if (migrations === null) return true
    if (isEmpty(migrations.value)) return this.#fill(migrations, block(INDENT))
    const map = migrations.value
    const indent = this.#indentOf(map)
    if (!isMap(map) || indent === null) return false
    const applied = pairOf(map, 'applied')
    if (applied === null) return this.#insertBelow(map.items.at(-1), block(indent))
    if (isEmpty(applied.value) && rows.length === 0) return this.#replace(applied, '[]')
    if (isEmpty(applied.value)) return this.#fill(applied, list(indent))
    const { value } = applied
    if (rows.length === 0) return true
    if (!isSeq(value)) return false
    if (value.items.length === 0) return this.#fillList(value, list(indent))
    const dash = this.#dashIndentOf(value)
    return dash !== null && this.#insertBelow(value, list(dash))
  }

  /** What YAML 1.1 would read as a time of its own type. */
  quoteTimes(): void {
    const block = blockOf(this.#top, 'spec_kitty')
    const rows = pairOf(blockOf(this.#top, 'migrations'), 'applied')?.value
    const maps = [block, ...(isSeq(rows) ? rows.items : [])]
    for (const map of maps) {
      for (const key of ['initialized_at', 'last_upgraded_at', 'applied_at']) {
        const node = pairOf(map, key)?.value
        const range = rangeOf(node)
        if (!isScalar(node) || node.type !== Scalar.PLAIN || typeof node.value !== 'string')
          continue
        if (!/^\d{4}-\d\d?-\d\d?/.test(node.value) || /[\r\n']/.test(node.value)) continue
        const [from = 0, to = 0] = range ?? []
        if (this.#edits.some((edit) => edit.from === from)) continue
        this.#edits.push({ from, to, text: `'${node.value}'` })
      }
    }
  }

  finish(): string {
    // From the end on, so that the places before it stay what they were.
    const edits = [...this.#edits].sort((one, other) => other.from - one.from)
    const text = edits.reduce(
      (done, edit) => done.slice(0, edit.from) + edit.text + done.slice(edit.to),
      this.#text,
    )
    return text + this.#tail
  }

  #append(lines: readonly string[]): void {
    this.#tail += lines.map((line) => `${line}${this.#newline}`).join('')
  }

  #replace({ key, value }: Pair, text: string): boolean {
    if (isEmpty(value)) {
      const line = this.#emptyLine(key)
      if (line === null) return false
      this.#edits.push({ from: line.from, to: line.to, text: ` ${text}` })
      return true
    }
    const range = rangeOf(value)
    const [from, to] = range ?? []
    if (!isScalar(value) || from === undefined || to === undefined) return false
    if (value.type === Scalar.BLOCK_FOLDED || value.type === Scalar.BLOCK_LITERAL) return false
    if (this.#text.slice(from, to) !== text) this.#edits.push({ from, to, text })
    return true
  }

  /** Below a key that has nothing, or null, behind it. */
  #fill({ key }: Pair, lines: readonly string[]): boolean {
    const line = this.#emptyLine(key)
    if (line === null) return false
    this.#edits.push({ from: line.from, to: line.to, text: '' })
    this.#insertAt(this.#lineEnd(line.to), lines)
    return true
  }

  /** In the place of `[]`. */
  #fillList(list: YAMLSeq, lines: readonly string[]): boolean {
    const [from, to] = rangeOf(list) ?? []
    if (from === undefined || to === undefined) return false
    const start = this.#text.slice(0, from).trimEnd().length
    if (this.#text[start - 1] !== ':') return false
    this.#edits.push({ from: start, to, text: '' })
    this.#insertAt(this.#lineEnd(to), lines)
    return true
  }

  /** From behind the colon to the end of the `null` that may stand there. */
  #emptyLine(key: unknown): { readonly from: number; readonly to: number } | null {
    const end = rangeOf(key)?.[1]
    if (end === undefined) return null
    const line = this.#text.slice(end, this.#lineEnd(end))
    const found = /^ *:( *(?:null|Null|NULL|~)?) *(?:#.*)?\r?$/.exec(line)
    if (found === null) return null
    const from = end + line.indexOf(':') + 1
    return { from, to: from + (found[1]?.length ?? 0) }
  }

  #insertBelow(last: unknown, lines: readonly string[]): boolean {
    const node = endOf(last)
    const end = rangeOf(node)?.[1]
    if (end === undefined) return false
    this.#insertAt(this.#lineEnd(this.#text[end - 1] === '\n' ? end - 1 : end), lines)
    return true
  }

  /** Lines of their own below the line that ends at `end`. */
  #insertAt(end: number, lines: readonly string[]): void {
    const at = end + 1
    const text = lines.map((line) => `${line}${this.#newline}`).join('')
    this.#edits.push({ from: at, to: at, text })
  }

  #lineEnd(from: number): number {
    return this.#text.indexOf('\n', from)
  }

  #indentOf(map: unknown): string | null {
    if (!isMap(map) || map.flow === true) return null
    const start = rangeOf(map.items[0]?.key)?.[0]
    if (start === undefined) return null
    const indent = this.#text.slice(this.#text.lastIndexOf('\n', start - 1) + 1, start)
    return /^ +$/.test(indent) ? indent : null
  }

  #dashIndentOf(list: YAMLSeq): string | null {
    const start = rangeOf(list.items[0])?.[0]
    if (list.flow === true || start === undefined) return null
    const before = this.#text.slice(this.#text.lastIndexOf('\n', start - 1) + 1, start)
    return /^( *)- +$/.exec(before)?.[1] ?? null
  }
}

/** The node whose end is the end of a pair, or of a list. */
function endOf(last: unknown): unknown {
  if (typeof last !== 'object' || last === null || !('key' in last)) return last
  const { key, value } = last as Pair
  return isEmpty(value) && rangeOf(value)?.[0] === rangeOf(value)?.[1] ? key : value
}

function rowLines(row: LedgerRow, indent: string): string[] {
  return [
    `${indent}- id: ${scalarText(row.id)}`,
    `${indent}  applied_at: ${scalarText(row.applied_at)}`,
    `${indent}  result: ${row.result}`,
    `${indent}  notes: ${scalarText(row.notes)}`,
  ]
}
