import { describe, expect, it } from 'vitest'
import { migrateEvent } from '#dist/contracts/migrate.js'
import { contractEvent } from '../support/contract-event.ts'
import { fc, property } from '../support/property.ts'

const MOVE = {
  mission_slug: 'm',
  wp_id: 'WP01',
  from_lane: 'for_review',
  to_lane: 'awaiting-review',
  actor: 'a',
  execution_mode: 'worktree',
}

const without = (event: Readonly<Record<string, unknown>>, ...keys: string[]) =>
  Object.fromEntries(Object.entries(event).filter(([key]) => !keys.includes(key)))

describe('an event of before the cutover', () => {
  it('without a project gets one by its node and build', () => {
    const old = without(
      contractEvent({ node_id: 'n', build_id: 'b' }),
      'project_uuid',
      'correlation_id',
      'schema_version',
    )
    const found = migrateEvent(old)
    expect(found).toMatchObject({
      state: 'normalized',
      legacy_shape: 'pre_3_0_envelope',
      canonical: {
        project_uuid: '6b555e89-e413-58da-a4ac-7ded800c2eec',
        correlation_id: old['event_id'],
        schema_version: '3.0.0',
      },
      verdict: { valid: true },
      raw: old,
    })
  })

  it('without a node or a build is told by what is missing', () => {
    const old = without(contractEvent({ build_id: '' }), 'project_uuid', 'node_id')
    expect(migrateEvent(old)).toMatchObject({
      state: 'unnormalizable',
      reason: 'pre_3_0_envelope_missing_identity',
      shape_hints: ['missing node_id', 'missing build_id'],
    })
  })

  it('has its keys renamed, and what has the new name already stays', () => {
    const payload = {
      feature_slug: 'old',
      mission_slug: 'new',
      feature_number: 7,
      mission_type: 't',
    }
    const old = contractEvent({ event_type: 'MissionClosed', feature_slug: 'top', payload })
    expect(migrateEvent(old)).toMatchObject({
      legacy_shapes: ['feature_keys_envelope'],
      canonical: {
        mission_slug: 'top',
        payload: { mission_slug: 'new', mission_number: 7, mission_type: 't' },
      },
      verdict: { valid: true },
    })
  })

  it('has the lane that was called otherwise', () => {
    const old = contractEvent({ event_type: 'WPStatusChanged', payload: MOVE })
    expect(migrateEvent(old)).toMatchObject({
      legacy_shapes: ['awaiting_review_synonym'],
      canonical: { payload: { to_lane: 'in_review' } },
      verdict: { valid: true },
    })
  })

  it('is put right in all ways that it needs, in one go', () => {
    const closed = { feature_slug: 's', feature_number: 3, mission_type: 't', feature_extra: 1 }
    const { feature_extra: _, ...payload } = closed
    const old = {
      ...without(contractEvent({ node_id: 'n', build_id: 'b' }), 'project_uuid'),
      event_type: 'FeatureClosed',
      aggregate_id: 'feature/7',
      schema_version: '2.4.0',
      feature_number: 3,
      payload,
      note: [{ mission_key: 'k', legacy_aggregate_id: 'l' }],
    }
    const before = structuredClone(old)
    const found = migrateEvent(old)
    expect(found).toMatchObject({
      legacy_shape: 'pre_3_0_envelope',
      legacy_shapes: [
        'pre_3_0_envelope',
        'feature_keys_envelope',
        'nested_legacy_keys',
        'legacy_names',
        'old_schema_version',
      ],
      canonical: {
        event_type: 'MissionClosed',
        aggregate_id: 'mission/7',
        note: [{ mission_slug: 'k' }],
        payload: { mission_slug: 's', mission_number: 3, mission_type: 't' },
      },
      verdict: { valid: true },
    })
    expect(old).toEqual(before)
    if (found.state === 'normalized') {
      expect(migrateEvent(found.canonical)).toMatchObject({ state: 'current' })
    }
  })

  it('that is rewritten and still wrong says so', () => {
    const old = contractEvent({ schema_version: '2.0.0', lamport_clock: -1 })
    expect(migrateEvent(old)).toMatchObject({
      legacy_shapes: ['old_schema_version'],
      verdict: { valid: false, violations: [{ path: ['lamport_clock'] }] },
    })
  })

  it('that nobody knows the shape of is left as it is', () => {
    const old = { z: 1, a: 2 }
    const found = migrateEvent(old)
    expect(found).toEqual({
      state: 'unnormalizable',
      reason: 'unrecognized_legacy_shape',
      shape_hints: ['a', 'z'],
      raw: old,
    })
    expect(migrateEvent([1])).toMatchObject({ reason: 'not_an_object' })
  })

  it('that is none is kept', () => {
    const event = contractEvent()
    expect(migrateEvent(event)).toMatchObject({ state: 'current', canonical: event })
  })

  property([
    fc.dictionary(fc.constantFrom('event_type', 'payload', 'feature_slug', 'x'), fc.jsonValue()),
  ])('may be any object', (value) => {
    expect(['current', 'normalized', 'unnormalizable']).toContain(migrateEvent(value).state)
  })
})
