import { describe, expect, it } from 'vitest'
import {
  assertCutover,
  CUTOVER_ARTIFACT,
  cutoverSignal,
  isPreCutover,
} from '#dist/contracts/cutover.js'
import { findForbiddenKeys } from '#dist/contracts/values/inspect-value.js'
import { InputError } from '#dist/errors.js'
import { validateEvent } from '#dist/index.js'
import { contractEvent } from '../support/contract-event.ts'

function refusalOf(value: unknown): string {
  try {
    assertCutover(value)
    return 'none'
  } catch (error) {
    expect(error).toBeInstanceOf(InputError)
    expect(error).toMatchObject({ code: 'PRE_CUTOVER' })
    return (error as Error).message
  }
}

describe('the cutover', () => {
  it.each([
    [{}, 'missing canonical cutover signal'],
    [{ schema_version: null }, 'missing canonical cutover signal'],
    [{ schema_version: 3 }, 'must be a string'],
    [{ schema_version: 'v3' }, 'must start with a numeric major version'],
    [{ schema_version: '٣.0.0' }, 'must start with a numeric major version'],
    [{ schema_version: '2.9.0' }, 'unsupported cutover major version'],
    [{ schema_version: '3.0.1' }, 'cutover signal must equal'],
    [
      { schema_version: '3.0.0', a: [{ mission_key: 1 }], feature_slug: 1 },
      'feature_slug, mission_key',
    ],
    [{ schema_version: '3.0.0', event_type: 'FeatureCreated' }, 'forbidden legacy event names'],
    [{ schema_version: '3.0.0', aggregate_id: 'feature' }, 'forbidden legacy aggregate names'],
    [
      { schema_version: '3.0.0', aggregate_id: 'feature_catalog/x' },
      'forbidden legacy aggregate names',
    ],
    [null, 'missing canonical cutover signal'],
  ])('refuses %j with the published words', (value, words) => {
    expect(refusalOf(value)).toContain(words)
    expect(isPreCutover(value)).toBe(true)
  })

  it.each([
    { schema_version: '3.0.0' },
    { schema_version: '3.0.0', aggregate_id: 'features/x', event_type: 'featurecreated' },
    { schema_version: '3.0.0', aggregate_id: 'Feature/x', note: 'feature_slug' },
  ])('takes %j', (value) => {
    expect(refusalOf(value)).toBe('none')
    expect(isPreCutover(value)).toBe(false)
  })

  it('refuses what it can not look through to its end', () => {
    const many = Array.from({ length: 200_000 }, () => 0)
    const value = { schema_version: '3.0.0', many, last: { feature_slug: 1 } }
    expect(refusalOf(value)).toContain('forbidden legacy keys')
    expect(isPreCutover(value)).toBe(true)
  })

  it('refuses what can not be read, and throws nothing else', () => {
    const value = { schema_version: '3.0.0' }
    Object.defineProperty(value, 'trap', {
      enumerable: true,
      get: () => {
        throw new Error('secret')
      },
    })
    expect(refusalOf(value)).toBe('the value can not be read')
    expect(isPreCutover(value)).toBe(true)
  })

  it('names the signal first, then keys, then names', () => {
    const all = { feature_slug: 1, event_type: 'FeatureClosed', aggregate_id: 'feature/x' }
    expect(refusalOf(all)).toContain('missing canonical cutover signal')
    expect(refusalOf({ ...all, schema_version: '3.0.0' })).toContain('forbidden legacy keys')
    const names = { event_type: 'FeatureClosed', aggregate_id: 'feature/x' }
    expect(refusalOf({ ...names, schema_version: '3.0.0' })).toContain('event names')
  })

  it('is a frozen artifact that nobody changes in passing', () => {
    expect(Object.isFrozen(CUTOVER_ARTIFACT)).toBe(true)
    expect(Object.isFrozen(CUTOVER_ARTIFACT.forbidden_legacy_keys)).toBe(true)
    expect(cutoverSignal({ schema_version: '3.0.0' })).toBe('3.0.0')
    expect(cutoverSignal({})).toBeNull()
  })

  it('is told with all that is wrong, each at its place', () => {
    const event = contractEvent({
      schema_version: '2.0.0',
      event_type: 'FeatureCreated',
      aggregate_id: 'feature/1',
      payload: { deep: [{ legacy_aggregate_id: 1 }], feature_number: 1 },
    })
    const { violations } = validateEvent(event)
    expect(violations.map(({ layer, path }) => [layer, path.join('.')])).toEqual([
      ['forbidden_key', 'payload.deep.0.legacy_aggregate_id'],
      ['forbidden_key', 'payload.feature_number'],
      ['gate', 'schema_version'],
      ['gate', 'event_type'],
      ['gate', 'aggregate_id'],
    ])
  })
})

describe('forbidden keys', () => {
  it('are found in bare payloads and open objects within closed ones, too', () => {
    const actor = { actor_id: 'a', actor_type: 'llm', feature_slug: 'f' }
    const payload = { run_id: 'r', mission_type: 't', actor }
    expect(validateEvent(payload, 'MissionRunStarted')).toMatchObject({
      valid: false,
      violations: [{ code: 'FORBIDDEN_KEY', path: ['actor', 'feature_slug'] }],
    })
  })

  it('are found in the order of the text, at any depth', () => {
    let value: unknown = { mission_key: 1 }
    for (let depth = 0; depth < 50_000; depth += 1) value = [value]
    expect(findForbiddenKeys(value)[0]).toHaveLength(50_001)
    const mixed = { a: { feature_slug: 1 }, feature_number: 2, b: [{ mission_key: 3 }] }
    expect(findForbiddenKeys(mixed)).toEqual([
      ['a', 'feature_slug'],
      ['feature_number'],
      ['b', 0, 'mission_key'],
    ])
    expect(findForbiddenKeys(mixed, new Set(['b']))).toEqual([['b']])
  })
})
