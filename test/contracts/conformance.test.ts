import { describe, expect, it } from 'vitest'
import { validateEvent, type Verdict } from '#dist/index.js'
import type { Layer } from '#dist/index.js'
import {
  conformanceJson,
  conformanceLines,
  HAS_CONFORMANCE,
  judgedEntries,
  judgedOf,
} from '../support/conformance.ts'

type Mutation = {
  readonly base: string
  readonly event_type: string
  readonly kind: string
  readonly mut: {
    readonly op: 'set' | 'delete'
    readonly path: readonly (string | number)[]
    readonly value?: unknown
  }
  readonly valid: boolean
  readonly model_valid: boolean
  readonly schema_valid: boolean | null
}

type Judged = { readonly model_violations: readonly { readonly field: string }[] }

/** Where this project judges otherwise than the reference does, by the kind of the mutation, and how often at least. */
const DIFFERENCES: Readonly<Record<string, string>> = {
  'forbidden-key: open payloads keep keys of before the cutover there': 'refused here',
  'alias: the reference puts `doing` right in one layer only': 'accepted here, and reported',
  'lax: types without a schema take numbers as text there': 'refused here',
}

describe.skipIf(!HAS_CONFORMANCE)('the conformance data', () => {
  it.each([false, true])('has the verdict that each entry expects (strict: %s)', (strict) => {
    const entries = judgedEntries()
    expect(entries.length).toBeGreaterThan(90)
    for (const entry of entries) {
      const { valid, violations } = validateEvent(judgedOf(entry), entry.event_type, { strict })
      const found = { id: entry.id, valid, violations: valid ? [] : violations }
      expect(found).toMatchObject({ valid: entry.expected_result === 'valid' })
    }
  })

  it('is refused at the fields that the reference names, or at more', () => {
    const results = conformanceJson('derived/reference_results.json') as Record<string, Judged>
    let compared = 0
    for (const entry of judgedEntries()) {
      const model_violations = results[entry.id]?.model_violations ?? []
      const { valid, violations } = validateEvent(judgedOf(entry), entry.event_type)
      if (valid) continue
      const ours = violations.map(({ path }) => path.join('.'))
      // It names a union's branch, too, and the gate and the moves by names that are no fields.
      const theirs = model_violations
        .map(({ field }) => field.replace(/^(?:adr|planning_interview)\./, ''))
        .filter((field) => !['', 'transition', 'schema_version'].includes(field))
      for (const field of theirs) {
        expect(
          ours.some((path) => path.endsWith(field)),
          `${entry.id}: ${field}`,
        ).toBe(true)
        compared += 1
      }
    }
    expect(compared).toBeGreaterThan(20)
  })

  it('gets the verdict of the reference for every mutation, but for the differences that are told', () => {
    const bases = new Map(judgedEntries().map((entry) => [entry.id, judgedOf(entry)]))
    const mutations = conformanceLines('derived/mutation_oracle.jsonl') as readonly Mutation[]
    const differing = new Map<string, number>()
    for (const mutation of mutations) {
      const { base, event_type, valid } = mutation
      const verdict = validateEvent(mutated(bases.get(base), mutation), event_type, {
        strict: true,
      })
      expect(agreement(verdict), JSON.stringify(mutation)).toBe('both')
      if (verdict.valid === valid) continue
      const why = differenceOf(mutation, verdict)
      expect(why, JSON.stringify({ mutation, verdict })).not.toBeNull()
      if (why !== null) differing.set(why, (differing.get(why) ?? 0) + 1)
    }
    expect(mutations.length).toBeGreaterThan(4_000)
    for (const why of differing.keys()) expect(Object.keys(DIFFERENCES)).toContain(why)
  })
})

const MODEL_LAYERS: ReadonlySet<Layer> = new Set(['envelope', 'payload', 'rule'])

/** Whether models and schemas say the same of a value. */
function agreement({ violations }: Verdict): 'both' | 'model' | 'schema' {
  const inModel = violations.some(({ layer }) => MODEL_LAYERS.has(layer))
  const inSchema = violations.some(({ layer }) => layer === 'schema')
  if (inModel === inSchema) return 'both'
  return inModel ? 'model' : 'schema'
}

function differenceOf({ kind, schema_valid }: Mutation, verdict: Verdict): string | null {
  const [forbidden = '', alias = '', lax = ''] = Object.keys(DIFFERENCES)
  if (verdict.valid) return verdict.normalisations.length > 0 ? alias : null
  if (verdict.violations.every(({ layer }) => layer === 'forbidden_key')) return forbidden
  const isLax = kind.startsWith('lax-') || kind === 'bool-for-number'
  return isLax && schema_valid === null ? lax : null
}

function mutated(base: unknown, { mut: { op, path, value } }: Mutation): unknown {
  const copy: unknown = structuredClone(base)
  let at = copy as Record<string | number, unknown>
  for (const step of path.slice(0, -1)) at = at[step] as Record<string | number, unknown>
  const last = path.at(-1) ?? ''
  if (op === 'set') at[last] = value
  else if (Array.isArray(at)) at.splice(Number(last), 1)
  else delete at[last]
  return copy
}
