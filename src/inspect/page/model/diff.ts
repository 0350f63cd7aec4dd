/** A value as lines of text, each with what has changed of it since a value before. */
import type { Json } from '../../../contracts/json/json.ts'
import { visible } from '../../../page/text.ts'

export type DiffLine = {
  readonly path: string
  readonly depth: number
  readonly key: string
  /** Of what holds more lines: `{ 2 }`, `[ 3 ]`. */
  readonly text: string
  readonly kind: 'text' | 'number' | 'word' | 'holder'
  readonly change: 'same' | 'added' | 'removed' | 'changed'
  /** Of a changed one. */
  readonly before: string | null
}

type Holder = Readonly<Record<string, Json>>
const DEPTH_MAX = 24

/** `before` undefined: nothing to compare with, so that all is `same`. */
export function diffLines(value: Holder, before?: Holder): readonly DiffLine[] {
  const lines: DiffLine[] = []
  visit(value, before, '', 0, before !== undefined, lines)
  return lines
}

export function hasChanged(lines: readonly DiffLine[]): boolean {
  return lines.some(({ change }) => change !== 'same')
}

function visit(
  value: Holder,
  before: Holder | undefined,
  path: string,
  depth: number,
  compares: boolean,
  into: DiffLine[],
): void {
  const keys = new Set([...Object.keys(value), ...Object.keys(before ?? {})])
  for (const key of keys) {
    const [now, then] = [own(value, key), own(before, key)]
    const shown = now ?? then
    if (shown === undefined) continue
    const change = compares ? changeOf(now, then) : 'same'
    into.push({
      path: `${path}/${key}`,
      depth,
      key: visible(key),
      ...textOf(shown),
      change,
      before: change === 'changed' && then !== undefined ? textOf(then).text : null,
    })
    if (!isHolder(shown) || depth >= DEPTH_MAX) continue
    const inner = isHolder(now) ? holderOf(now) : {}
    const innerBefore = isHolder(then) ? holderOf(then) : compares ? {} : undefined
    visit(inner, innerBefore, `${path}/${key}`, depth + 1, compares, into)
  }
}

function changeOf(now: Json | undefined, then: Json | undefined): DiffLine['change'] {
  if (then === undefined) return 'added'
  if (now === undefined) return 'removed'
  if (isHolder(now) && isHolder(then)) return 'same'
  return now === then ? 'same' : 'changed'
}

function textOf(value: Json): Pick<DiffLine, 'text' | 'kind'> {
  if (isList(value)) return { text: `[ ${value.length} ]`, kind: 'holder' }
  if (isHolder(value)) return { text: `{ ${Object.keys(value).length} }`, kind: 'holder' }
  if (typeof value === 'string') return { text: visible(JSON.stringify(value)), kind: 'text' }
  return { text: String(value), kind: typeof value === 'number' ? 'number' : 'word' }
}

function isHolder(value: Json | undefined): value is readonly Json[] | Holder {
  return typeof value === 'object' && value !== null
}

function holderOf(value: readonly Json[] | Holder): Holder {
  return isList(value) ? Object.fromEntries(value.entries()) : value
}

function own(holder: Holder | undefined, key: string): Json | undefined {
  return holder !== undefined && Object.hasOwn(holder, key) ? holder[key] : undefined
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}
