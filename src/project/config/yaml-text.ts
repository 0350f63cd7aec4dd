/** YAML written again as its author wrote it, and compared by what it means. */
import { isAlias, isMap, isScalar, isSeq, Scalar, stringify } from 'yaml'
import type { Document } from 'yaml'

/** The document in the manner of the text that it was read from: comments and order stay, spacing may change. */
export function textLike(source: string, document: Document.Parsed): string {
  const flowCollectionPadding = !/[{[][^\s{[]/.test(source)
  const indentSeq = !/^- /m.test(source)
  const plain = document.toString({ lineWidth: 0, flowCollectionPadding, indentSeq })
  const marked = source.startsWith('\uFEFF') ? `\uFEFF${plain.replace(/^\uFEFF/, '')}` : plain
  const closed = source.endsWith('\n') || source === '' ? marked : marked.replace(/\n+$/, '')
  return newlineOf(source) === '\r\n' ? closed.replace(/\r?\n/g, '\r\n') : closed
}

export function newlineOf(text: string): '\n' | '\r\n' {
  return text.includes('\r\n') ? '\r\n' : '\n'
}

/** A text in quotes where the plain one would be another thing to readers of YAML 1.1: `no`, `1_000`, `12:30`, a date. */
export function textScalar(value: string): Scalar<string> {
  const scalar = new Scalar(value)
  if (isMistakable(value)) scalar.type = Scalar.QUOTE_DOUBLE
  return scalar
}

/** Whether a text needs quotes for some reader. */
export function isMistakable(value: string): boolean {
  // The default value of YAML 1.1, which the library doesn't know, and a tab, at which some readers give up.
  if (value === '=' || value.includes('\t')) return true
  return /^["']/.test(stringify(value, { compat: 'yaml-1.1', lineWidth: 0 }))
}

/** Where a node stands in its text: its start, the end of its value, and the end of what belongs to it. */
export function rangeOf(node: unknown): readonly number[] | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node)) return undefined
  return Array.isArray(node.range) ? (node.range as number[]) : undefined
}

/** What a node means, to be compared. Aliases are compared by name and never resolved. */
export function shapeOf(node: unknown): unknown {
  if (isMap(node))
    return { map: node.items.map(({ key, value }) => [shapeOf(key), shapeOf(value)]) }
  if (isSeq(node)) return { list: node.items.map(shapeOf) }
  if (isAlias(node)) return { alias: node.source }
  if (!isScalar(node)) return null
  const { value, source, tag, anchor } = node
  return { value: typeof value === 'string' ? value : (source ?? null), tag, anchor }
}
