/** Glossary logs replayed: which clarifications are open, and what the files of the scopes hold when all of it is applied. */
import type { GlossaryRow, RequestedClarification } from './glossary-record.ts'
import { editsFor, withSense } from './glossary-sense.ts'
import type { Scope, SeedEntries, Seeds, Sense } from './glossary-sense.ts'

export type NumberedGlossaryRow = {
  /** The name of the log. */
  readonly log: string
  /** Counted from 1. */
  readonly line: number
  readonly row: GlossaryRow
}

export type Clarification = RequestedClarification & {
  readonly log: string
  /** Null in rows of writers that gave none. */
  readonly event_id: string | null
  readonly requested_at: string
  /** The first; null while it is open. */
  readonly resolution: Resolution | null
}

export type Resolution = {
  readonly event_id: string | null
  readonly resolved_at: string
  readonly sense: Sense | null
}

export type GlossaryAnomaly = {
  readonly log: string
  readonly line: number
  /** `resolved_unrequested` is none that has to be put right: some writers never wrote the request. */
  readonly kind: 'resolved_unrequested' | 'resolved_otherwise' | 'requested_twice'
  readonly conflict_id: string
  /** The term. */
  readonly surface: string
}

export type GlossaryFold = {
  readonly seeds: Seeds
  /** By conflict id, in the order of the requests. */
  readonly clarifications: ReadonlyMap<string, Clarification>
  /** How often each term was observed. */
  readonly observed: ReadonlyMap<string, number>
  /** The last sense that the logs give each term of each scope, by scope and term. */
  readonly senses: ReadonlyMap<string, Sense>
  readonly anomalies: readonly GlossaryAnomaly[]
}

/**
 * Pure. A sense is put in the place of the one before it, so the same rows again change nothing; a row whose id was seen
 * counts once. Rows of different terms may come in any order.
 */
export function foldGlossary(seeds: Seeds, rows: readonly NumberedGlossaryRow[]): GlossaryFold {
  const fold = new Folding(seeds)
  for (const row of rows) fold.take(row)
  return fold
}

class Folding implements GlossaryFold {
  readonly seeds: Map<Scope, SeedEntries>
  readonly clarifications = new Map<string, Clarification>()
  readonly observed = new Map<string, number>()
  readonly senses = new Map<string, Sense>()
  anomalies: GlossaryAnomaly[] = []
  readonly #seen = new Set<string>()

  constructor(seeds: Seeds) {
    this.seeds = new Map(seeds)
  }

  take(numbered: NumberedGlossaryRow): void {
    const { row } = numbered
    if (row.event_id !== null && this.#seen.has(row.event_id)) return
    if (row.event_id !== null) this.#seen.add(row.event_id)
    switch (row.family) {
      case 'candidate':
        this.observed.set(row.term, (this.observed.get(row.term) ?? 0) + 1)
        return
      case 'sense':
        this.#settle(row.sense.surface)
        this.#apply(row.sense)
        return
      case 'requested':
        this.#request(numbered, row)
        return
      case 'resolved':
        this.#resolve(numbered, row)
        return
      case 'other':
    }
  }

  #request(at: NumberedGlossaryRow, row: Extract<GlossaryRow, { family: 'requested' }>): void {
    const { family: _, timestamp, ...request } = row
    if (this.clarifications.has(row.conflict_id)) {
      this.#report(at, 'requested_twice', row)
      return
    }
    this.clarifications.set(row.conflict_id, {
      ...request,
      log: at.log,
      requested_at: timestamp,
      resolution: null,
    })
  }

  #resolve(at: NumberedGlossaryRow, row: Extract<GlossaryRow, { family: 'resolved' }>): void {
    const { conflict_id, event_id, timestamp, sense } = row
    const request = this.clarifications.get(conflict_id)
    if (sense !== null) this.#apply(sense)
    if (request === undefined) {
      this.#report(at, 'resolved_unrequested', { conflict_id, term: sense?.surface ?? '' })
      return
    }
    const { resolution } = request
    if (resolution === null) {
      const made = { event_id, resolved_at: timestamp, sense }
      this.clarifications.set(conflict_id, { ...request, resolution: made })
    } else if (!isSameMeaning(resolution.sense, sense)) {
      this.#report(at, 'resolved_otherwise', request)
    }
  }

  #apply(sense: Sense): void {
    const { scope, surface } = sense
    this.seeds.set(scope, withSense(this.seeds.get(scope) ?? [], sense))
    this.senses.set(`${scope} ${surface}`, sense)
  }

  /** Two clones settled it otherwise, and somebody has said since what it means. */
  #settle(surface: string): void {
    const isSettled = (one: GlossaryAnomaly): boolean =>
      one.kind === 'resolved_otherwise' && one.surface === surface
    this.anomalies = this.anomalies.filter((one) => !isSettled(one))
  }

  #report(
    { log, line }: NumberedGlossaryRow,
    kind: GlossaryAnomaly['kind'],
    { conflict_id, term }: Pick<RequestedClarification, 'conflict_id' | 'term'>,
  ): void {
    this.anomalies.push({ log, line, kind, conflict_id, surface: term })
  }
}

/** Whether two resolutions say the same, however sure they are of it. */
export function isSameMeaning(a: Sense | null, b: Sense | null): boolean {
  if (a === null || b === null) return a === b
  return a.scope === b.scope && a.surface === b.surface && a.definition === b.definition
}

export type SeedDrift = {
  readonly scope: Scope
  readonly surface: string
  /** What the file lacks, or says otherwise than the last row of the logs. */
  readonly kind: 'missing' | 'differs'
}

/** Where the files disagree with the last word of the logs. */
export function findDrift(seeds: Seeds, senses: Iterable<Sense>): readonly SeedDrift[] {
  return [...senses].flatMap((sense): SeedDrift[] => {
    const { scope, surface } = sense
    const [edit] = editsFor(seeds.get(scope) ?? [], sense)
    if (edit === undefined) return []
    return [{ scope, surface, kind: edit.kind === 'insert' ? 'missing' : 'differs' }]
  })
}
