import { describe, expect, it } from 'vitest'
import {
  assertOccurrencePreserved,
  TimestampSubstitutionError,
} from '#dist/contracts/occurrence.js'
import { KittiwakeError } from '#dist/errors.js'
import { conformanceJson, HAS_CONFORMANCE, manifest } from '../support/conformance.ts'

function refusalOf(timestamp: unknown, persisted: unknown, field?: string): KittiwakeError | null {
  try {
    assertOccurrencePreserved({ timestamp }, persisted, field)
    return null
  } catch (error) {
    expect(error).toBeInstanceOf(KittiwakeError)
    return error as KittiwakeError
  }
}

describe('the time when something happened', () => {
  it.each([
    ['2026-01-01T00:00:00Z', '2026-01-01T00:00:00+00:00'],
    ['2026-01-01T00:00:00', '2026-01-01T02:00:00+02:00'],
    ['2026-01-01T00:00:00.000001Z', '2026-01-01T00:00:00.0000019Z'],
    [new Date('2026-01-01T00:00:00Z'), '2026-01-01'],
  ])('%s is kept by %s', (timestamp, persisted) => {
    expect(refusalOf(timestamp, persisted)).toBeNull()
  })

  it.each([
    ['2026-01-01T00:00:00Z', '2026-01-01T00:00:01Z'],
    ['2026-01-01T00:00:00.000001Z', '2026-01-01T00:00:00.000002Z'],
    ['2026-01-01T00:00:00+02:00', '2026-01-01T00:00:00Z'],
  ])('%s is not kept by %s', (timestamp, persisted) => {
    const refusal = refusalOf(timestamp, persisted, 'stored_at')
    expect(refusal).toBeInstanceOf(TimestampSubstitutionError)
    expect(refusal).toMatchObject({ code: 'TIMESTAMP_SUBSTITUTED', fieldName: 'stored_at' })
    expect(refusal?.message).toContain('producer occurrence time was not preserved')
    const { expected, actual } = refusal as TimestampSubstitutionError
    expect(refusal?.message).toContain(expected)
    expect(refusal?.message).toContain(actual)
  })

  it('is asked for', () => {
    expect(refusalOf(undefined, '2026-01-01')).toMatchObject({ code: 'TIMESTAMP_MISSING' })
    expect(refusalOf('now', '2026-01-01')).toMatchObject({ code: 'TIMESTAMP_UNREADABLE' })
    expect(refusalOf('2026-01-01', 7)).toMatchObject({ code: 'TIMESTAMP_UNREADABLE' })
    expect(refusalOf(new Date('never'), '2026-01-01')).toMatchObject({
      code: 'TIMESTAMP_UNREADABLE',
    })
  })

  it.skipIf(!HAS_CONFORMANCE)('is kept or not as the conformance data says', () => {
    type Scenario = {
      readonly expectation: 'valid' | 'invalid'
      readonly envelope: { readonly timestamp: string }
      readonly consumer_simulation: { readonly persisted_occurrence_time: string }
    }
    const entries = manifest().fixtures.filter(
      ({ fixture_type }) => fixture_type === 'timestamp_semantics',
    )
    expect(entries.length).toBeGreaterThan(1)
    for (const { path } of entries) {
      const scenario = conformanceJson(`fixtures/${path}`) as Scenario
      const { persisted_occurrence_time } = scenario.consumer_simulation
      const refusal = refusalOf(scenario.envelope.timestamp, persisted_occurrence_time)
      expect(refusal === null).toBe(scenario.expectation === 'valid')
    }
  })
})
