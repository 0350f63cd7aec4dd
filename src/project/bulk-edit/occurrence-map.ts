/**
 * `kitty-specs/<mission>/occurrence_map.yaml`: what a bulk edit may change. Read leniently, in either shape that such a
 * map has had: rules for each category, or each occurrence by path and line. What is wrong is told all together.
 */
import { CATEGORIES } from './occurrence-category.ts'
import { readYamlFile } from '../config/config.ts'

const ACTIONS = ['rename', 'manual_review', 'do_not_change', 'rename_if_user_visible'] as const
export type Action = (typeof ACTIONS)[number]
const OPERATIONS = ['rename', 'remove', 'deprecate'] as const

export type PathRule = {
  /** A glob. */
  readonly path: string
  readonly action: Action
  /** A field that must stay, within the file; told, not enforced. */
  readonly field: string | null
}

export type Listed = {
  readonly path: string
  /** In the version before the edit, from 1; null: the whole file. */
  readonly line: number | null
  readonly category: string
}

type Common = {
  readonly term: string
  /** What the term becomes; null where it goes, or where nothing is said. */
  readonly replacement: string | null
  readonly exceptions: readonly PathRule[]
  readonly moves: readonly { readonly from: readonly string[]; readonly to: string }[]
  readonly structuralTargets: readonly string[]
}

export type RuledMap = Common & {
  readonly shape: 'rules'
  readonly operation: (typeof OPERATIONS)[number] | null
  readonly actionByCategory: ReadonlyMap<string, Action>
}

export type ListedMap = Common & {
  readonly shape: 'occurrences'
  readonly related: readonly string[]
  readonly removals: readonly Listed[]
  readonly keeps: readonly Listed[]
}

export type MapReading =
  | { readonly state: 'absent' }
  | {
      readonly state: 'read'
      readonly map: RuledMap | ListedMap
      readonly warnings: readonly string[]
    }
  /** Nothing can be checked by it: each fault says what is expected where. */
  | { readonly state: 'unusable'; readonly faults: readonly string[] }

type Fields = Readonly<Record<string, unknown>>

export const MAP_NAME = 'occurrence_map.yaml'
/** A list of some 30,000 occurrences. */
export const MAP_SIZE_MAX_BYTES = 4 * 1024 * 1024
const ALIASES_MAX = 100
const PLACEHOLDER = /^(?:todo|tbd|fixme|xxx|placeholder|)$/i
const CATEGORIES_MIN = 3
const RULED_KEYS = new Set([
  'target',
  'categories',
  'exceptions',
  'moves',
  'structural_targets',
  'status',
])

/** The map at this place below `root`. Total. */
export function readOccurrenceMap(root: string, segments: readonly string[]): MapReading {
  const file = readYamlFile(root, segments, MAP_SIZE_MAX_BYTES)
  if (file.state === 'absent') return file
  if (file.state === 'unusable') {
    return { state: 'unusable', faults: file.faults.map(({ message }) => message) }
  }
  try {
    return parseOccurrenceMap(file.document.toJS({ maxAliasCount: ALIASES_MAX }))
  } catch {
    return { state: 'unusable', faults: ['aliases: no more than a few are expected'] }
  }
}

export function parseOccurrenceMap(data: unknown): MapReading {
  const top = fieldsOf(data)
  if (top === null) return { state: 'unusable', faults: ['a mapping is expected at the top'] }
  const reader = new MapReader()
  const map = 'target_string' in top ? reader.listed(top) : reader.ruled(top)
  if (reader.faults.length > 0) return { state: 'unusable', faults: reader.faults }
  return { state: 'read', map, warnings: reader.warnings }
}

class MapReader {
  readonly faults: string[] = []
  readonly warnings: string[] = []

  ruled(top: Fields): RuledMap {
    const target = fieldsOf(top['target']) ?? {}
    const term = this.#text(target['term'], 'target.term')
    const wanted = target['operation'] ?? null
    const operation = wanted === null ? null : this.#oneOf(wanted, OPERATIONS, 'target.operation')
    const replacement = target['replacement'] ?? null
    if (replacement !== null && typeof replacement !== 'string') {
      this.faults.push('target.replacement: a text is expected')
    }
    const actionByCategory = new Map<string, Action>()
    for (const [name, value] of this.#categories(top)) {
      const action = this.#oneOf(value['action'], ACTIONS, `categories.${name}.action`)
      if (action !== null) actionByCategory.set(name, action)
    }
    for (const key of Object.keys(top).filter((one) => !RULED_KEYS.has(one))) {
      this.warnings.push(`${key}: not known, and kept`)
    }
    // Only what is sound in itself is asked whether it says enough.
    if (this.faults.length === 0) this.#mustSuffice(term, actionByCategory)
    const to = typeof replacement === 'string' && replacement !== '' ? replacement : null
    return {
      shape: 'rules',
      term,
      replacement: to,
      operation,
      actionByCategory,
      ...this.#paths(top),
    }
  }

  listed(top: Fields): ListedMap {
    const term = this.#text(top['target_string'], 'target_string')
    for (const key of ['mission_id', 'mission_slug', 'generated_at']) this.#text(top[key], key)
    const related = this.#list(top['related_strings'] ?? [], 'related_strings').map((one, at) =>
      this.#text(one, `related_strings[${at}]`),
    )
    const [removals, keeps]: [Listed[], Listed[]] = [[], []]
    for (const [name, value] of this.#categories(top)) {
      removals.push(...this.#entries(value['remove'] ?? [], name, 'remove'))
      keeps.push(...this.#entries(value['keep'] ?? [], name, 'keep'))
    }
    const totals = fieldsOf(top['totals']) ?? {}
    this.#mustCount(totals['remove_count'], removals.length, 'totals.remove_count')
    this.#mustCount(totals['keep_count'], keeps.length, 'totals.keep_count')
    if (this.faults.length === 0 && PLACEHOLDER.test(term.trim())) {
      this.faults.push('target_string: the string itself is expected, no placeholder')
    }
    return {
      shape: 'occurrences',
      term,
      replacement: null,
      related,
      removals,
      keeps,
      ...this.#paths(top),
    }
  }

  #categories(top: Fields): readonly (readonly [string, Fields])[] {
    const categories = fieldsOf(top['categories'])
    if (categories === null || Object.keys(categories).length === 0) {
      this.faults.push('categories: a mapping with at least one entry is expected')
    }
    return Object.entries(categories ?? {}).flatMap(([name, value]) => {
      const fields = fieldsOf(value)
      if (fields === null) this.faults.push(`categories.${name}: a mapping is expected`)
      return fields === null ? [] : [[name, fields] as const]
    })
  }

  #entries(value: unknown, category: string, kind: 'remove' | 'keep'): readonly Listed[] {
    const place = `categories.${category}.${kind}`
    return this.#list(value, place).flatMap((one, at): Listed[] => {
      const fields = fieldsOf(one)
      const path = this.#text(fields?.['path'], `${place}[${at}].path`)
      this.#text(fields?.['reason'], `${place}[${at}].reason`)
      if (kind === 'keep') this.#text(fields?.['keep_reason'], `${place}[${at}].keep_reason`)
      const line = fields?.['line'] ?? null
      if (line === null) return [{ path, line, category }]
      if (typeof line === 'number' && Number.isInteger(line) && line > 0) {
        return [{ path, line, category }]
      }
      this.faults.push(`${place}[${at}].line: a number from 1 on is expected`)
      return []
    })
  }

  /** Rules on paths, which either shape may have. */
  #paths(top: Fields) {
    const exceptions = this.#list(top['exceptions'] ?? [], 'exceptions').map((one, at) => {
      const fields = fieldsOf(one)
      const path = this.#text(fields?.['path'], `exceptions[${at}].path`)
      const action = this.#oneOf(fields?.['action'], ACTIONS, `exceptions[${at}].action`)
      const field = fields?.['field_path'] ?? null
      return { path, action: action ?? ACTIONS[2], field: typeof field === 'string' ? field : null }
    })
    const moves = this.#list(top['moves'] ?? [], 'moves').map((one, at) => {
      const fields = fieldsOf(one)
      const from = this.#list(fields?.['from'], `moves[${at}].from`)
      if (from.length === 0) this.faults.push(`moves[${at}].from: at least one path is expected`)
      return {
        from: from.map((path, n) => this.#text(path, `moves[${at}].from[${n}]`)),
        to: this.#text(fields?.['to'], `moves[${at}].to`),
      }
    })
    const targets = this.#list(top['structural_targets'] ?? [], 'structural_targets')
    const structuralTargets = targets.map((one, at) => {
      const fields = fieldsOf(one)
      const path = this.#text(fields?.['path'], `structural_targets[${at}].path`)
      this.#text(fields?.['reason'], `structural_targets[${at}].reason`)
      if (path !== '' && !isNarrow(path)) {
        this.faults.push(
          `structural_targets[${at}].path: one file, or files of one folder by their ending, is expected, such as src/names/*.ts`,
        )
      }
      return path
    })
    return { exceptions, moves, structuralTargets }
  }

  #mustSuffice(term: string, actionByCategory: ReadonlyMap<string, Action>): void {
    if (PLACEHOLDER.test(term.trim())) {
      this.faults.push('target.term: the term itself is expected, no placeholder')
    }
    const missing = CATEGORIES.filter((name) => !actionByCategory.has(name)).sort()
    if (actionByCategory.size < CATEGORIES_MIN) {
      this.faults.push(`categories: ${CATEGORIES_MIN} at least are expected`)
    }
    if (missing.length > 0) this.faults.push(`categories: ${missing.join(', ')} are missing`)
  }

  #mustCount(value: unknown, count: number, place: string): void {
    if (value !== count) this.faults.push(`${place}: ${count} is expected, as many as are listed`)
  }

  #text(value: unknown, place: string): string {
    if (typeof value === 'string' && value.trim() !== '') return value
    // A date is one to YAML 1.1 only, a number anywhere.
    if (typeof value === 'number') return String(value)
    this.faults.push(`${place}: a text is expected`)
    return ''
  }

  #list(value: unknown, place: string): readonly unknown[] {
    if (Array.isArray(value)) return value
    this.faults.push(`${place}: a list is expected`)
    return []
  }

  #oneOf<Word extends string>(value: unknown, words: readonly Word[], place: string): Word | null {
    const found = words.find((word) => word === value) ?? null
    if (found === null) this.faults.push(`${place}: one of ${words.join(', ')} is expected`)
    return found
  }
}

/** Names files of one folder, by their ending at least: no pattern that covers a tree. */
export function isNarrow(path: string): boolean {
  if (path.endsWith('/') || path.split('/').some((name) => name.includes('**'))) return false
  const name = path.slice(path.lastIndexOf('/') + 1)
  const ending = /^[^.].*\.([^.]+)$/.exec(name)?.[1]
  return ending !== undefined && !/[*?[\]]/.test(ending)
}

function fieldsOf(value: unknown): Fields | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  return value as Fields
}
