/** The senses of terms: where one holds, how sure it is, and which of several counts. */
import { byCodePoint } from '../json/json.ts'
import type { Json, JsonObject } from '../json/json.ts'

/** Where a sense holds, the strongest first. */
export const SCOPES = [
  'mission_local',
  'team_domain',
  'audience_domain',
  'spec_kitty_core',
] as const
export type Scope = (typeof SCOPES)[number]

export const SENSE_STATUSES = ['draft', 'active', 'deprecated'] as const
export type SenseStatus = (typeof SENSE_STATUSES)[number]

export type Sense = {
  /** As `normalSurface` writes it. */
  readonly surface: string
  readonly scope: Scope
  readonly definition: string
  /** From 0 to 1. */
  readonly confidence: number
  readonly status: SenseStatus
}

/** A sense as a scope's file lists it. */
export type SeedEntry = Omit<Sense, 'scope'>

/** The list of one scope's file in its order; null is what can't be read and keeps its place. */
export type SeedEntries = readonly (SeedEntry | null)[]

/** The files of all scopes; a scope without a file has no entries. */
export type Seeds = ReadonlyMap<Scope, SeedEntries>

export type SeedEdit =
  | { readonly kind: 'insert'; readonly at: number; readonly entry: SeedEntry }
  | { readonly kind: 'set'; readonly at: number; readonly entry: SeedEntry }

// The white space of either language: what only one of them trims would give a term two names.
const SPACES = /[\s\u001c-\u001f\u0085]+/gu

/**
 * The one spelling of a term: composed, lower-case by no language's rules, single spaces. Other readers drop rows whose
 * term is spelled otherwise, so it is spelled here before it is written.
 */
export function normalSurface(text: string): string {
  const folded = text.normalize('NFC').toLowerCase().normalize('NFC')
  return folded.replaceAll(SPACES, ' ').trim()
}

/** A meaning with line ends that every reader of the files takes for line ends, and nothing around it. */
export function normalMeaning(text: string): string {
  return text
    .replaceAll(/\r\n?|[\u0085\u2028\u2029]/g, '\n')
    .replaceAll('\ufeff', '')
    .trim()
}

export function isScope(value: Json | undefined): value is Scope {
  return SCOPES.some((scope) => scope === value)
}

/** A status that nobody knows is a draft. */
export function senseStatus(value: Json | undefined): SenseStatus {
  return SENSE_STATUSES.find((status) => status === value) ?? 'draft'
}

export function isConfidence(value: Json | undefined): value is number {
  return typeof value === 'number' && value >= 0 && value <= 1
}

/** What a row or a file says of a sense beside its scope, or the reason why it is none. `status` is the one it has unsaid. */
export function parseEntry(value: JsonObject, status: SenseStatus): SeedEntry | string {
  const { surface, definition, confidence = 1 } = value
  if (typeof surface !== 'string' || normalSurface(surface) === '') return 'a sense without a term'
  if (typeof definition !== 'string' || normalMeaning(definition) === '')
    return 'a sense without a meaning'
  if (!isConfidence(confidence)) return 'a sense with a confidence that is not from 0 to 1'
  return {
    surface: normalSurface(surface),
    definition: normalMeaning(definition),
    confidence,
    status: value['status'] === undefined ? status : senseStatus(value['status']),
  }
}

/**
 * What has to change in a scope's list so that the sense is the one that counts there; nothing where it is already. The
 * entry with this meaning is used, else the one that counted so far; others of the same term become deprecated, so that
 * no term means two things and no meaning is lost unseen.
 */
export function editsFor(entries: SeedEntries, sense: SeedEntry): readonly SeedEdit[] {
  const { surface, definition, confidence, status } = sense
  const entry = { surface, definition, confidence, status }
  const same = entries.flatMap((one, at) => (one?.surface === surface ? [{ one, at }] : []))
  const target =
    same.find(({ one }) => one.definition === definition) ??
    same.find(({ one }) => one.status !== 'deprecated') ??
    same[0]
  if (target === undefined) return [{ kind: 'insert', at: placeOf(entries, surface), entry }]
  return same.flatMap(({ one, at }): SeedEdit[] => {
    if (at === target.at) return isSame(one, entry) ? [] : [{ kind: 'set', at, entry }]
    // To give a sense up says nothing of the others.
    if (one.status === 'deprecated' || status === 'deprecated') return []
    return [{ kind: 'set', at, entry: { ...one, status: 'deprecated' } }]
  })
}

/** The list with the sense in it. */
export function withSense(entries: SeedEntries, sense: SeedEntry): SeedEntries {
  const after = [...entries]
  for (const { kind, at, entry } of editsFor(entries, sense)) {
    after.splice(at, kind === 'insert' ? 0 : 1, entry)
  }
  return after
}

/** One sense a term: that of the strongest scope in which it isn't deprecated; sorted by term. */
export function effectiveSenses(seeds: Seeds): readonly Sense[] {
  const found = new Map<string, Sense>()
  for (const scope of SCOPES) {
    for (const entry of seeds.get(scope) ?? []) {
      if (entry === null || entry.status === 'deprecated' || found.has(entry.surface)) continue
      found.set(entry.surface, { ...entry, scope })
    }
  }
  return [...found.values()].sort((a, b) => byCodePoint(a.surface, b.surface))
}

// Before the first that is greater, so that terms find the same places in whichever order they come.
function placeOf(entries: SeedEntries, surface: string): number {
  const at = entries.findIndex((one) => one !== null && byCodePoint(one.surface, surface) > 0)
  return at === -1 ? entries.length : at
}

function isSame(a: SeedEntry, b: SeedEntry): boolean {
  return a.definition === b.definition && a.confidence === b.confidence && a.status === b.status
}
