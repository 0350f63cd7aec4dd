/** The glossary for those who only read: what terms mean, what is open, and whether logs and files agree. Writes nothing. */
import { findDrift, foldGlossary } from './contracts/ledgers/fold-glossary.ts'
import type {
  Clarification,
  GlossaryAnomaly,
  SeedDrift,
} from './contracts/ledgers/fold-glossary.ts'
import { effectiveSenses } from './contracts/ledgers/glossary-sense.ts'
import type { Scope, SeedEntries, Seeds, Sense } from './contracts/ledgers/glossary-sense.ts'
import { readSeeds, seedName } from './project/glossary-seed.ts'
import type { EntryFault, SeedReading } from './project/glossary-seed.ts'
import type { Mission, Repository } from './project/types.ts'
import { inTimeOrder, readGlossaryLogs } from './workers/git/logs/glossary-log.ts'
import type { GlossaryLogs } from './workers/git/logs/glossary-log.ts'
import type { SkippedLine } from './workers/git/logs/log-lines.ts'

export type ListedSense = Sense & {
  /** Whether no stronger scope gives the term another sense. */
  readonly effective: boolean
}

export type GlossaryReading = {
  /** The effective ones, or all of the scope that was named; sorted by term. */
  readonly senses: readonly ListedSense[]
  readonly clarifications: readonly Clarification[]
  /** Terms without a sense, and how often each was observed. */
  readonly candidates: readonly { readonly term: string; readonly count: number }[]
  readonly faults: readonly string[]
}

export type GlossaryCheck = {
  readonly logs: readonly { readonly log: string; readonly skipped: readonly SkippedLine[] }[]
  readonly unreadable: GlossaryLogs['unreadable']
  readonly anomalies: readonly GlossaryAnomaly[]
  readonly seeds: readonly SeedCheck[]
  /** Where a file lacks what the logs say, or says otherwise. */
  readonly drift: readonly SeedDrift[]
}

export type SeedCheck = {
  readonly scope: Scope
  readonly path: string
  readonly state: SeedReading['state']
  readonly reason: string | null
  readonly faults: readonly EntryFault[]
}

export function readGlossary(
  { root }: Repository,
  filter: { readonly mission: Mission | null; readonly scope: Scope | null },
): GlossaryReading {
  const files = readSeeds(root)
  const seeds = seedsOf(files)
  const { logs, unreadable } = readGlossaryLogs(root, filter.mission?.directory)
  const fold = foldGlossary(new Map(), inTimeOrder(logs))
  const effective = effectiveSenses(seeds)
  const isKnown = new Set(effective.map(({ surface }) => surface))
  const { scope } = filter
  return {
    senses:
      scope === null
        ? effective.map((sense) => ({ ...sense, effective: true }))
        : sensesOf(scope, seeds.get(scope) ?? [], effective),
    clarifications: [...fold.clarifications.values()],
    candidates: [...fold.observed]
      .filter(([term]) => !isKnown.has(term))
      .map(([term, count]) => ({ term, count }))
      .sort((a, b) => b.count - a.count),
    faults: [
      ...seedChecks(files).flatMap(faultsOf),
      ...unreadable.map(({ name, reason }) => `${name}: ${reason}`),
      ...logs.flatMap(({ name, skipped }) =>
        skipped.map(({ line, reason }) => `${name}: line ${line}: ${reason}`),
      ),
    ],
  }
}

/** All logs against all files. */
export function checkGlossary({ root }: Repository): GlossaryCheck {
  const files = readSeeds(root)
  const { logs, unreadable } = readGlossaryLogs(root)
  const fold = foldGlossary(new Map(), inTimeOrder(logs))
  // Of a file that can't be read nobody knows what it lacks.
  const comparable = [...fold.senses.values()].filter(
    ({ scope }) => files.get(scope)?.state !== 'unusable',
  )
  return {
    logs: logs.map(({ name, skipped }) => ({ log: name, skipped })),
    unreadable,
    anomalies: fold.anomalies,
    seeds: seedChecks(files),
    drift: findDrift(seedsOf(files), comparable),
  }
}

/** A line for each thing that is wrong. */
export function findingsOf(check: GlossaryCheck): readonly string[] {
  return [
    ...check.unreadable.map(({ name, reason }) => `${name}: ${reason}`),
    ...check.logs.flatMap(({ log, skipped }) =>
      skipped.map(({ line, reason }) => `${log}: line ${line}: ${reason}`),
    ),
    ...check.anomalies
      .filter(({ kind }) => kind !== 'resolved_unrequested')
      .map(
        ({ log, line, kind, surface, conflict_id }) =>
          `${log}: line ${line}: ${surface} is ${kind.replace('_', ' ')} (${conflict_id})`,
      ),
    ...check.seeds.flatMap(faultsOf),
    ...check.drift.map(({ scope, surface, kind }) =>
      kind === 'missing'
        ? `${seedName(scope)} lacks ${surface}`
        : `${seedName(scope)} says otherwise of ${surface} than the logs`,
    ),
  ]
}

function faultsOf({ path, reason, faults }: SeedCheck): readonly string[] {
  return [
    ...(reason === null ? [] : [`${path} can't be used: ${reason}`]),
    ...faults.map(({ entry, reason: fault }) => `${path}: entry ${entry}: ${fault}`),
  ]
}

function seedChecks(files: ReadonlyMap<Scope, SeedReading>): readonly SeedCheck[] {
  return [...files].map(([scope, reading]) => ({
    scope,
    path: seedName(scope),
    state: reading.state,
    reason: reading.state === 'unusable' ? reading.reason : null,
    faults: reading.state === 'read' ? reading.seed.faults : [],
  }))
}

function seedsOf(files: ReadonlyMap<Scope, SeedReading>): Seeds {
  return new Map(
    [...files].map(([scope, reading]): [Scope, SeedEntries] => [
      scope,
      reading.state === 'read' ? reading.seed.entries : [],
    ]),
  )
}

function sensesOf(
  scope: Scope,
  entries: SeedEntries,
  effective: readonly Sense[],
): readonly ListedSense[] {
  return entries.flatMap((entry) => {
    if (entry === null) return []
    const chosen = effective.find(({ surface }) => surface === entry.surface)
    const isChosen = chosen?.scope === scope && chosen.definition === entry.definition
    return [{ ...entry, scope, effective: isChosen }]
  })
}
