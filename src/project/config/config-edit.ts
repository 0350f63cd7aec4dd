/**
 * Sets fields of the block `project` and leaves every other byte of the configuration as it stands.
 */
import { isMap, isScalar, parseDocument, Scalar, stringify } from 'yaml'
import type { Document, YAMLMap } from 'yaml'
import { pairOf, textOf } from './config-nodes.ts'
import { parseConfig } from './config.ts'
import type { Config } from './config.ts'
import { isMistakable, newlineOf, rangeOf, shapeOf, textLike, textScalar } from './yaml-text.ts'

export type ProjectFields = Readonly<Record<string, string>>

/**
 * The configuration with these fields set in `project`, in this order after those that are there;
 * null where no way of writing it was proven to keep the rest. `config` is null for a file that
 * isn't there yet.
 */
export function withProjectFields(config: Config | null, fields: ProjectFields): string | null {
  const source = config?.text ?? ''
  const ways = [
    () => spliceIntoBlock(config, fields),
    () => appendBlock(config, source, fields),
    () => rewritten(source, fields),
  ]
  for (const way of ways) {
    // An unforeseen shape makes the YAML library throw; then this way is none.
    const text = attempt(way)
    if (text !== null && attempt(() => keepsTheRest(config, text, fields)) === true) return text
  }
  return null
}

function attempt<T>(work: () => T): T | null {
  try {
    return work()
  } catch {
    return null
  }
}

// The block is there: its missing lines go below its last one, indented alike.
function spliceIntoBlock(config: Config | null, fields: ProjectFields): string | null {
  const map = blockIn(config)
  if (config === null || map === null || map.flow === true || map.items.length === 0) return null
  const first = map.items[0]?.key
  const last = map.items.at(-1)?.value ?? map.items.at(-1)?.key
  const start = rangeOf(first)?.[0]
  const end = rangeOf(last)?.[1]
  if (start === undefined || end === undefined) return null
  const { text } = config
  const indent = text.slice(text.lastIndexOf('\n', start - 1) + 1, start)
  if (!/^ +$/.test(indent)) return null
  const present = Object.keys(fields).filter((key) => pairOf(map, key) !== null)
  // A field that is there but blank (`slug:`) has to be set in its place, which is the rewriter's
  // work.
  if (present.length > 0) return null
  const newline = newlineOf(text)
  const lines = linesOf(fields).map((line) => `${indent}${line}`)
  // The range of a nested mapping ends behind its last line end.
  const lineEnd = text.indexOf('\n', text[end - 1] === '\n' ? end - 1 : end)
  if (lineEnd === -1) return `${text}${newline}${lines.join(newline)}`
  const added = lines.map((line) => `${line}${newline}`).join('')
  return text.slice(0, lineEnd + 1) + added + text.slice(lineEnd + 1)
}

// There is no block: it goes to the end, and the file ends as it did before.
function appendBlock(config: Config | null, source: string, fields: ProjectFields): string | null {
  if (config !== null && pairOf(config.document.contents, 'project') !== null) return null
  const newline = newlineOf(source)
  const block = ['project:', ...linesOf(fields).map((line) => `  ${line}`)].join(newline)
  const isBlank = source.replace(/^\uFEFF/, '') === ''
  const endsOpen = !isBlank && !source.endsWith('\n')
  return endsOpen ? `${source}${newline}${block}` : `${source}${block}${newline}`
}

// For flow mappings, blank fields and indented files: comments and order stay, spacing may change.
function rewritten(source: string, fields: ProjectFields): string | null {
  const document = parseDocument(source, { uniqueKeys: false, prettyErrors: false })
  const block = pairOf(document.contents, 'project')?.value
  if (isMap(block)) for (const [key, value] of Object.entries(fields)) setField(block, key, value)
  else setBlock(document, block, fields)
  return textLike(source, document)
}

// What stands there already keeps its comment.
function setField(block: YAMLMap, key: string, value: string): void {
  const before = block.get(key, true)
  if (!isScalar(before)) return block.set(key, textScalar(value))
  before.value = value
  if (isMistakable(value)) before.type = Scalar.QUOTE_DOUBLE
}

// `project:` with nothing behind it may still carry a comment.
function setBlock(document: Document.Parsed, empty: unknown, fields: ProjectFields): void {
  const block = document.createNode(scalarsOf(fields))
  if (isScalar(empty) && typeof empty.comment === 'string') block.commentBefore = empty.comment
  document.set('project', block)
}

function keepsTheRest(config: Config | null, text: string, fields: ProjectFields): boolean {
  const after = parseConfig(Buffer.from(text, 'utf8'), 0)
  if (after.state !== 'present') return false
  const before = config === null ? null : config.document.contents
  const set = blockIn(after)
  if (set === null) return false
  for (const [key, value] of Object.entries(fields)) {
    if (textOf(pairOf(set, key)?.value) !== value) return false
  }
  const old = config === null ? null : blockIn(config)
  return (
    sameItems(before, after.document.contents, new Set(['project'])) &&
    sameItems(old, set, new Set(Object.keys(fields)))
  )
}

// The same keys in the same order with the same meaning, but for those that were to be changed.
function sameItems(before: unknown, after: unknown, changed: ReadonlySet<string>): boolean {
  return JSON.stringify(itemsOf(before, changed)) === JSON.stringify(itemsOf(after, changed))
}

function itemsOf(map: unknown, changed: ReadonlySet<string>): unknown[] {
  if (!isMap(map)) return []
  return map.items
    .filter(({ key }) => !changed.has(String(key)))
    .map(({ key, value }) => [String(key), shapeOf(value)])
}

function blockIn(config: Config | null): YAMLMap | null {
  const value = pairOf(config?.document.contents, 'project')?.value
  return isMap(value) ? value : null
}

function linesOf(fields: ProjectFields): string[] {
  return stringify(scalarsOf(fields), { lineWidth: 0 }).trimEnd().split('\n')
}

function scalarsOf(fields: ProjectFields) {
  return Object.fromEntries(Object.entries(fields).map(([key, text]) => [key, textScalar(text)]))
}
