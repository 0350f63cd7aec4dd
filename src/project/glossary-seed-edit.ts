/**
 * Puts a sense into the text of a scope's file and leaves everything else as it stands: comments, between terms too, keys
 * that nobody here knows, and the order.
 */
import { isMap, isScalar, parseDocument, Scalar, stringify, visit } from 'yaml'
import type { Document, Node, YAMLMap } from 'yaml'
import { editsFor } from '../contracts/ledgers/glossary-sense.ts'
import type { SeedEdit, SeedEntries, SeedEntry } from '../contracts/ledgers/glossary-sense.ts'
import { pythonFloat } from '../contracts/json/python-float.ts'
import { pairOf } from './config/config-nodes.ts'
import { parseSeed, termsOf } from './glossary-seed.ts'
import type { Seed } from './glossary-seed.ts'
import { isMistakable, newlineOf, rangeOf, shapeOf, textLike } from './config/yaml-text.ts'

/** How new values are written. */
type Spelling = {
  /** Texts in double quotes, in which any text can stand, and not as other writers do. */
  readonly isQuoted: boolean
  /** Into a document in which every scalar is a text: so the library writes numbers again as they were spelled. */
  readonly asTexts: boolean
}
type Splice = { readonly from: number; readonly to: number; readonly text: string }

/** What an edit changes of an entry that is there. */
const CHANGED = ['definition', 'confidence', 'status'] as const

/**
 * The text with the sense in it, the same text where it is in already; null where no way of writing it was proven to keep
 * the rest. `seed` is null for a file that isn't there yet.
 */
export function seedTextWith(seed: Seed | null, sense: SeedEntry): string | null {
  let now = seed ?? parseSeed(Buffer.from(''))
  for (const edit of typeof now === 'string' ? [] : editsFor(now.entries, sense)) {
    const next = typeof now === 'string' ? null : edited(now, edit)
    if (next === null) return null
    now = next
  }
  return typeof now === 'string' ? null : now.text
}

function edited(seed: Seed, edit: SeedEdit): Seed | null {
  if (edit.kind === 'set' && isNamed(seed, edit)) return null
  for (const isQuoted of [false, true]) {
    const spelling = { isQuoted, asTexts: false }
    const ways = [
      () => spliced(seed, edit, spelling),
      () => rewritten(seed, edit, { isQuoted, asTexts: true }),
      () => rewritten(seed, edit, spelling),
    ]
    for (const way of ways) {
      // An unforeseen shape makes the YAML library throw; then this way is none.
      const after = attempt(() => proven(seed, edit, way()))
      if (after !== null) return after
    }
  }
  return null
}

// What an alias stands for elsewhere must not change with it.
function isNamed({ document }: Seed, { at }: SeedEdit): boolean {
  const item = itemAt(document, at)
  return CHANGED.some((key) => {
    const value = pairOf(item, key)?.value
    return isScalar(value) && value.anchor !== undefined
  })
}

function attempt<T>(work: () => T): T | null {
  try {
    return work()
  } catch {
    return null
  }
}

function spliced(seed: Seed, edit: SeedEdit, spelling: Spelling): string | null {
  const splices =
    edit.kind === 'insert' ? insertion(seed, edit, spelling) : changes(seed, edit, spelling)
  if (splices === null) return null
  return [...splices]
    .sort((a, b) => b.from - a.from)
    .reduce(
      (text, { from, to, text: put }) => text.slice(0, from) + put + text.slice(to),
      seed.text,
    )
}

// Behind the entry before it, so that comments stay above the entry that they stand above.
function insertion(seed: Seed, { at, entry }: SeedEdit, spelling: Spelling): Splice[] | null {
  const { text, document } = seed
  const terms = termsOf(document)
  if (terms === null || terms === 'unusable' || terms.flow === true) return null
  const neighbour = terms.items[Math.max(0, at - 1)]
  const range = rangeOf(neighbour)
  if (range === undefined) return null
  const [start = 0, end = 0] = range
  const lineStart = text.lastIndexOf('\n', start - 1) + 1
  const dash = /^( *)-( +)$/.exec(text.slice(lineStart, start))
  if (dash === null) return null
  const [prefix, indent = '', gap = ''] = dash
  const newline = newlineOf(text)
  const body = linesOf(entry, spelling).map((line, index) => {
    if (index === 0) return `${prefix}${line}`
    return line === '' ? '' : `${indent} ${gap}${line}`
  })
  const block = body.join(newline)
  const before = at === 0 ? (rangeOf(keyOf(document))?.[1] ?? start) : end
  const lineEnd = text.indexOf('\n', text[before - 1] === '\n' ? before - 1 : before)
  if (lineEnd === -1) return [{ from: text.length, to: text.length, text: `${newline}${block}` }]
  return [{ from: lineEnd + 1, to: lineEnd + 1, text: `${block}${newline}` }]
}

function keyOf({ contents }: Document.Parsed): unknown {
  return pairOf(contents, 'terms')?.key
}

function changes(seed: Seed, { at, entry }: SeedEdit, spelling: Spelling): Splice[] | null {
  const item = itemAt(seed.document, at)
  const before = seed.entries[at]
  if (item === null || before === null || before === undefined) return null
  const splices: Splice[] = []
  for (const key of CHANGED) {
    if (before[key] === entry[key]) continue
    const value = pairOf(item, key)?.value
    const [from, to] = rangeOf(value) ?? []
    if (!isScalar(value) || from === undefined || to === undefined) return null
    const text = scalarText(scalarOf(entry[key], spelling))
    // Lines of their own have to be indented, which is the rewriter's work.
    if (`${text}${seed.text.slice(from, to)}`.includes('\n')) return null
    splices.push({ from, to, text })
  }
  return splices
}

function rewritten(seed: Seed, { kind, at, entry }: SeedEdit, spelling: Spelling): string | null {
  const schema = spelling.asTexts ? 'failsafe' : 'core'
  const document = parseDocument(seed.text, { uniqueKeys: false, prettyErrors: false, schema })
  if (kind === 'set') {
    const item = itemAt(document, at)
    const before = seed.entries[at]
    if (item === null || before === null || before === undefined) return null
    for (const key of CHANGED) {
      if (before[key] !== entry[key]) replaceValue(item, key, scalarOf(entry[key], spelling))
    }
    return textLike(seed.text, document)
  }
  const node = nodeOf(document, entry, spelling)
  const terms = termsOf(document)
  if (terms === 'unusable') return null
  if (terms === null) document.set('terms', document.createNode([node]))
  else {
    if (terms.items.length === 0) terms.flow = false
    terms.items.splice(at, 0, node)
  }
  return textLike(seed.text, document)
}

function replaceValue(map: YAMLMap, key: string, value: Scalar): void {
  const pair = pairOf(map, key)
  if (pair === null) {
    map.set(key, value)
    return
  }
  const old = pair.value
  if (isScalar(old)) {
    value.comment = old.comment ?? null
    value.commentBefore = old.commentBefore ?? null
    value.spaceBefore = old.spaceBefore ?? false
  }
  pair.value = value
}

/** The seed that the text is, if it holds what was wanted and all that stood beside. */
function proven(seed: Seed, { kind, at, entry }: SeedEdit, text: string | null): Seed | null {
  const after = text === null ? null : parseSeed(Buffer.from(text))
  if (after === null || typeof after === 'string') return null
  const wanted: (SeedEntry | null)[] = [...seed.entries]
  wanted.splice(at, kind === 'insert' ? 0 : 1, entry)
  const isWanted = isEqual(after.entries.map(fieldsOf), wanted.map(fieldsOf))
  const keeps =
    isEqual(
      itemShapes(seed.document, kind === 'set' ? at : null),
      itemShapes(after.document, at, kind),
    ) &&
    isEqual(rootShapes(seed.document), rootShapes(after.document)) &&
    isEqual(commentsOf(seed.document), commentsOf(after.document))
  return isWanted && keeps ? after : null
}

function fieldsOf(entry: SeedEntries[number]): unknown {
  if (entry === null) return null
  return [entry.surface, entry.definition, entry.confidence, entry.status]
}

/** Of all entries; of the one that was set without what was changed, and without the one that came. */
function itemShapes(
  document: Document.Parsed,
  at: number | null,
  kind: SeedEdit['kind'] = 'set',
): readonly unknown[] {
  const terms = termsOf(document)
  const items = terms === null || terms === 'unusable' ? [] : terms.items
  if (kind === 'insert') return items.filter((_, index) => index !== at).map(shapeOf)
  return items.map((item, index) => {
    if (index !== at || !isMap(item)) return shapeOf(item)
    const others = item.items.filter(({ key }) => !CHANGED.some((one) => one === String(key)))
    return others.map(({ key, value }) => [shapeOf(key), shapeOf(value)])
  })
}

function rootShapes({ contents }: Document.Parsed): readonly unknown[] {
  if (!isMap(contents)) return []
  const others = contents.items.filter(({ key }) => String(key) !== 'terms')
  return others.map(({ key, value }) => [shapeOf(key), shapeOf(value)])
}

/** Every line of every comment, in whatever order. */
function commentsOf(document: Document.Parsed): readonly string[] {
  const found: string[] = []
  const take = (node: Pick<Node, 'comment' | 'commentBefore'>): void => {
    for (const text of [node.comment, node.commentBefore]) {
      found.push(...(text ?? '').split('\n').map((line) => line.trim()))
    }
  }
  take(document)
  visit(document, { Node: (_, node) => take(node) })
  return found.filter((line) => line !== '').sort()
}

function isEqual(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function itemAt(document: Document.Parsed, at: number): YAMLMap | null {
  const terms = termsOf(document)
  const item = terms === null || terms === 'unusable' ? null : terms.items[at]
  return isMap(item) ? item : null
}

function nodeOf(document: Document, entry: SeedEntry, spelling: Spelling): YAMLMap {
  const { surface, definition, confidence, status } = entry
  const fields = { surface, definition, confidence, status }
  const scalars = Object.entries(fields).map(([key, value]) => [key, scalarOf(value, spelling)])
  return document.createNode(Object.fromEntries(scalars)) as YAMLMap
}

function linesOf(entry: SeedEntry, spelling: Spelling): readonly string[] {
  const document = parseDocument('')
  document.contents = nodeOf(document, entry, spelling) as unknown as Document.Parsed['contents']
  return document.toString({ lineWidth: 0 }).trimEnd().split('\n')
}

function scalarText(scalar: Scalar): string {
  return stringify(scalar, { lineWidth: 0 }).trimEnd()
}

// As other writers of these files do: lines as a block, what could be mistaken in quotes, floats with a fraction.
function scalarOf(value: string | number, { isQuoted, asTexts }: Spelling): Scalar {
  if (typeof value === 'number') {
    const number = new Scalar<unknown>(asTexts ? pythonFloat(value) : value)
    number.minFractionDigits = 1
    return number
  }
  const scalar = new Scalar(value)
  if (isQuoted) scalar.type = Scalar.QUOTE_DOUBLE
  else if (value.includes('\n')) scalar.type = Scalar.BLOCK_LITERAL
  else if (/: |'/.test(value) || isMistakable(value)) scalar.type = Scalar.QUOTE_DOUBLE
  return scalar
}
