import { describe, expect, it } from 'vitest'
import { classifyEnvelope, classifyLaneName } from '#dist/contracts/classify.js'
import type { Classification } from '#dist/contracts/classify.js'
import { contractEvent } from '../support/contract-event.ts'
import { HAS_CONFORMANCE, judgedOf, manifest } from '../support/conformance.ts'
import { fc, property } from '../support/property.ts'

function codeOf(found: Classification): string | null {
  return found.valid ? null : found.error.code
}

const moved = (fields: object) =>
  contractEvent({
    event_type: 'WPStatusChanged',
    payload: {
      mission_slug: 'm',
      wp_id: 'WP01',
      to_lane: 'claimed',
      actor: 'a',
      execution_mode: 'worktree',
      ...fields,
    },
  })

describe('a claimed envelope', () => {
  it.each([
    ['good', contractEvent(), null],
    ['without the cutover’s signal', { ...contractEvent(), schema_version: '2.0.0' }, null],
    ['a move that no table allows', moved({ from_lane: 'done', to_lane: 'claimed' }), null],
    ['an alias', moved({ to_lane: 'doing' }), null],
    ['an array', [], 'ENVELOPE_SHAPE_INVALID'],
    ['a bad clock', contractEvent({ lamport_clock: '1' }), 'ENVELOPE_SHAPE_INVALID'],
    ['a forbidden key', contractEvent({ feature_slug: 1, payload: 1 }), 'FORBIDDEN_KEY'],
    ['a payload of text', contractEvent({ payload: 'x' }), 'PAYLOAD_SCHEMA_FAIL'],
    ['another lane', moved({ to_lane: 'IN_REVIEW' }), 'UNKNOWN_LANE'],
    ['a lane that is a number', moved({ from_lane: 7 }), 'PAYLOAD_SCHEMA_FAIL'],
    ['a payload with more keys', moved({ more: 1 }), 'PAYLOAD_SCHEMA_FAIL'],
    [
      'a payload of a type that it does not look at',
      contractEvent({ event_type: 'HistoryAdded', payload: {} }),
      null,
    ],
    ['an old row', { type: 'X', ts: 't', wp: 'WP01' }, 'RAW_HISTORICAL_ROW'],
    ['an old lane', { lane: 'doing', ts: 't' }, 'RAW_HISTORICAL_ROW'],
    ['an old move', { wp: 'WP01', from: 'planned', to: 'doing' }, 'RAW_HISTORICAL_ROW'],
    [
      'an old envelope',
      { event_version: '2.7.0', occurred_at: 't', feature_slug: 'f' },
      'RAW_HISTORICAL_ROW',
    ],
    [
      'a line of a status log',
      { event_id: 'x', at: 't', wp_id: 'WP01', from_lane: 'planned', to_lane: 'claimed' },
      'RAW_HISTORICAL_ROW',
    ],
    [
      'an old event',
      { event_type: 'X', event_version: '2.0.0', payload: {} },
      'RAW_HISTORICAL_ROW',
    ],
    [
      'a modern one with a field less',
      { ...contractEvent({ lane: 'x', ts: 'y' }), event_type: undefined },
      'ENVELOPE_SHAPE_INVALID',
    ],
  ])('%s', (_, input, code) => {
    const bare: unknown = JSON.parse(JSON.stringify(input))
    expect(codeOf(classifyEnvelope(bare))).toBe(code)
  })

  it('is not good where it can not be looked through to its end', () => {
    const many = Array.from({ length: 200_000 }, () => 0)
    const input = contractEvent({
      event_type: 'Custom',
      payload: { many, last: { mission_key: 1 } },
    })
    expect(codeOf(classifyEnvelope(input))).toBe('ENVELOPE_SHAPE_INVALID')
  })

  it('is told by the same bytes each time, with details', () => {
    const input = { ...contractEvent(), feature_number: 1 }
    const found = classifyEnvelope(input)
    expect(JSON.stringify(classifyEnvelope(input))).toBe(JSON.stringify(found))
    expect(found).toMatchObject({
      error: { path: ['feature_number'], details: { key: 'feature_number' } },
    })
  })

  property([fc.anything({ withBigInt: true, withDate: true, withMap: true })])(
    'of any shape gets a verdict',
    (input) => {
      expect(typeof classifyEnvelope(input).valid).toBe('boolean')
    },
  )

  it('that throws is told as one that has no shape', () => {
    const trap = new Proxy(
      {},
      {
        getOwnPropertyDescriptor: () => {
          throw new Error('secret')
        },
      },
    )
    expect(codeOf(classifyEnvelope(trap))).toBe('ENVELOPE_SHAPE_INVALID')
  })
})

describe('a name of a lane', () => {
  it.each([
    [{ legacy_lane: 'doing', canonical_lane: 'in_progress' }, null],
    [{ legacy_lane: 'genesis' }, null],
    [{ legacy_lane: 'done', canonical_lane: 'planned' }, 'UNKNOWN_LANE'],
    [{ legacy_lane: 'awaiting-review' }, 'UNKNOWN_LANE'],
    [{ legacy_lane: 3 }, 'PAYLOAD_SCHEMA_FAIL'],
    [null, 'PAYLOAD_SCHEMA_FAIL'],
  ])('%j', (input, code) => expect(codeOf(classifyLaneName(input))).toBe(code))
})

describe.skipIf(!HAS_CONFORMANCE)('the classes of the conformance data', () => {
  it('are told as the entries want it', () => {
    const { entries } = manifest().classes
    expect(entries.length).toBeGreaterThan(15)
    for (const { id, class: name, path, expected, expected_error_code = null } of entries) {
      const input = judgedOf({ path })
      const found =
        name === 'lane_mapping_legacy' ? classifyLaneName(input) : classifyEnvelope(input)
      expect({ id, valid: found.valid, code: codeOf(found) }).toEqual({
        id,
        valid: expected === 'valid',
        code: expected_error_code,
      })
    }
  })
})
