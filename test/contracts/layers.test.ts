import { describe, expect, it } from 'vitest'
import { EVENT_TYPE_NAMES, EVENT_TYPES } from '#dist/contracts/event-types.js'
import { jsonSchemas } from '#dist/contracts/schemas/json-schemas.js'
import { schemaLayer } from '#dist/contracts/schemas/schema-layer.js'
import { compiledSchemas } from '#dist/project/program-files.js'
import { validateEvent } from '#dist/index.js'
import { fc } from '../support/property.ts'
import { arbitraryOf, oneChange } from '../support/schema-arbitrary.ts'

const SCHEMAS = jsonSchemas()
const ask = schemaLayer(compiledSchemas())
/** Payloads that break a rule between fields are passed over; the rules leave at least one of so many. */
const RUNS = { numRuns: 25, maxSkipsPerRun: 10_000 }
const CONTRACTED = EVENT_TYPE_NAMES.filter((name) => !EVENT_TYPES[name].reserved)

/** What the models say alone; legal moves and forbidden keys are not theirs. */
function modelRefuses(payload: unknown, type: string): boolean {
  const { violations } = validateEvent(payload, type)
  return violations.some(({ layer }) => layer === 'payload' || layer === 'rule')
}

describe.each(CONTRACTED)('%s', (type) => {
  const { schema } = EVENT_TYPES[type]
  const payloads = arbitraryOf(SCHEMAS.get(schema) ?? {})
  const good = payloads.filter((payload) => ask(schema, payload, []).length === 0)

  it('has models and schemas that accept the same, and refuse the same single changes', () => {
    fc.assert(
      fc.property(
        good.chain((payload) => fc.tuple(fc.constant(payload), oneChange(payload))),
        ([payload, changed]) => {
          expect(modelRefuses(payload, type)).toBe(false)
          // The lane's alias is put right before both.
          if (JSON.stringify(changed).includes('doing')) return
          const violations = ask(schema, changed, [])
          const found = { changed, refused: modelRefuses(changed, type) }
          expect(found).toEqual({ changed, refused: violations.length > 0 })
        },
      ),
      RUNS,
    )
  })
})

describe('the envelope', () => {
  const envelopes = arbitraryOf(SCHEMAS.get('event') ?? {})

  it('has a model and a schema that accept the same, and refuse the same single changes', () => {
    const changed = envelopes.chain((event) => fc.oneof(fc.constant(event), oneChange(event)))
    fc.assert(
      fc.property(changed, (event) => {
        const { violations } = validateEvent(event, 'Event')
        const inModel = violations.some(({ layer }) => layer === 'envelope')
        const found = { event, refused: inModel }
        expect(found).toEqual({ event, refused: ask('event', event, []).length > 0 })
      }),
      { numRuns: 300 },
    )
  })
})

describe('the schema layer', () => {
  it('says where, one fault for a place', () => {
    const payload = {
      mission_slug: 'm',
      wp_id: 'WP01',
      to_lane: 'done',
      from_lane: 7,
      actor: {},
      execution_mode: 'worktree',
      evidence: { repos: [{ repo: 'r', branch: 'b' }], review: { reviewer: 'r', verdict: 'v' } },
      more: 1,
    }
    const found = ask('status_transition_payload', payload, ['payload'])
    expect(found.map(({ path, code }) => `${path.join('.')} ${code}`).sort()).toEqual([
      'payload.actor anyOf',
      'payload.evidence.repos.0.commit required',
      'payload.from_lane anyOf',
      'payload.more additionalProperties',
    ])
  })

  it('knows a field that is the sum of others', () => {
    const usage = { mission_id: 'm', estimated_cost_usd: 0.5, source: 's' }
    const tokens = { input_tokens: 2, output_tokens: 3 }
    const of = (total_tokens: unknown) =>
      ask('token_usage_recorded_payload', { ...usage, ...tokens, total_tokens }, [])
    expect(of(5)).toEqual([])
    expect(of(6)).toMatchObject([{ code: 'x-kittiwake-sum' }])
    expect(of('5')).toMatchObject([{ code: 'type', path: ['total_tokens'] }])
  })

  it('refuses by a name that it does not know', () => {
    expect(ask('nothing', {}, [])).toMatchObject([{ code: 'unknown_schema' }])
  })
})
