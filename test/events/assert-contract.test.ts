import { describe, expect, it } from 'vitest'
import { EVENT_TYPE_NAMES, EVENT_TYPES } from '#dist/contracts/event-types.js'
import { readBatchedEvents, readClientFrame } from '#dist/contracts/wire/read-frames.js'
import type { JsonObject } from '#dist/contracts/json/json.js'
import { jsonSchemas } from '#dist/contracts/schemas/json-schemas.js'
import { InputError } from '#dist/errors.js'
import { assertContract } from '#dist/events/assert-contract.js'
import { parseDraft } from '#dist/events/draft.js'
import { serializeEvent, stamp } from '#dist/events/stamp.js'
import { fc, property } from '../support/property.ts'
import { arbitraryOf, oneChange } from '../support/schema-arbitrary.ts'

const ID = '01KB2C3D4E5F6G7H8J9K0M1N2P'
const AT = '2026-11-28T10:00:00.000001+00:00'
const IDENTITY = {
  uuid: '5f0c1c3e-8a52-4a3a-9d0f-2b7d6c1e9a10',
  slug: 'harbour',
  build_id: 'build-1',
  repo_slug: null,
}
const AROUND = {
  identity: IDENTITY,
  nodeId: '0123456789ab',
  teamSlug: 'local',
  gitBranch: 'main',
  headCommitSha: null,
  repoSlug: null,
  missionId: null,
} as unknown as Parameters<typeof stamp>[3]

/** The event of a draft, or why it is not emitted. */
function emitted(draft: unknown, around = AROUND): string | InputError {
  try {
    const event = stamp(parseDraft(draft), ID, AT, around)
    assertContract(event)
    return serializeEvent(event)
  } catch (error) {
    expect(error).toBeInstanceOf(InputError)
    return error as InputError
  }
}

/** What a hub makes of an event, alone and in a batch. */
function taken(text: string): readonly string[] {
  const event = JSON.parse(text) as JsonObject
  const alone = readClientFrame(JSON.stringify({ type: 'event', ...event }))
  const batched = readBatchedEvents([event]) ?? []
  return [alone.kind, ...batched.map(({ reading }) => reading.kind)]
}

const SCHEMAS = jsonSchemas()
const QUEUED = EVENT_TYPE_NAMES.filter((name) => EVENT_TYPES[name].destination === 'queue')
const drafts = fc.constantFrom(...QUEUED).chain((event_type) => {
  const payload = arbitraryOf(SCHEMAS.get(EVENT_TYPES[event_type].schema) ?? {})
  return payload.chain((value) =>
    fc.record(
      {
        event_type: fc.constantFrom(event_type, event_type, 'NoteTaken'),
        payload: fc.oneof(fc.constant(value), oneChange(value)),
        aggregate_id: fc.constantFrom('WP01', 'feature/1', 'x'.repeat(512)),
        aggregate_type: fc.constantFrom('Mission', 'x'.repeat(256)),
        causation_id: fc.constantFrom(null, ID.toLowerCase(), IDENTITY.uuid.toUpperCase()),
        timestamp: fc.constantFrom('2026-01-02T03:04:05.123456789-05:30', '2026-01-02T03:04:05Z'),
      },
      { requiredKeys: ['event_type', 'payload'] },
    ),
  )
})

describe('what is emitted', () => {
  property([drafts], { numRuns: 400 })('is what the hub takes, and nothing else', (draft) => {
    const text = emitted(draft)
    if (typeof text === 'string') {
      expect(taken(text)).toEqual(['event', 'event'])
      return
    }
    if (text.code === 'DRAFT_INVALID') return
    expect(text.code).toBe('EVENT_INVALID')
    const event = serializeEvent(stamp(parseDraft(draft), ID, AT, AROUND))
    expect(taken(event)).toEqual(['invalid', 'invalid'])
  })

  it('may be of a type that no contract names, with any payload', () => {
    const text = emitted({ event_type: 'NoteTaken', payload: { any: ['thing', { deep: null }] } })
    expect(taken(String(text))).toEqual(['event', 'event'])
  })

  it('is refused with what is wrong and where, without the values', () => {
    const payload = { wp_id: 'WP01', entry_type: '', author: 'wren cove' }
    const refusal = emitted({ event_type: 'HistoryAdded', payload })
    expect(refusal).toMatchObject({
      code: 'EVENT_INVALID',
      details: {
        violations: [
          'payload.entry_type: expected: at least 1 (string_too_short)',
          'payload.entry_content: a required key is missing (missing)',
        ],
      },
    })
    expect(JSON.stringify(refusal)).not.toContain('wren')
  })

  it('is refused with the first of very many faults, and how many more there are', () => {
    const payload = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`k${at}`, at]))
    const refusal = emitted({ event_type: 'HistoryAdded', payload }) as InputError
    expect(refusal.details['violations']).toHaveLength(20)
    expect(refusal.message).toMatch(/; 44 more$/)
  })

  it('of a repository without identity is judged as it will be with one', () => {
    const around = { ...AROUND, identity: null }
    const note = { wp_id: 'WP01', entry_type: 'note', entry_content: 'x', author: 'a' }
    expect(emitted({ event_type: 'HistoryAdded', payload: note }, around)).toContain(
      '"project_uuid":null',
    )
    expect(emitted({ event_type: 'HistoryAdded' }, around)).toMatchObject({ code: 'EVENT_INVALID' })
  })

  it.each([
    ['a name of before the cutover', { event_type: 'FeatureCreated' }],
    ['an aggregate of before the cutover', { event_type: 'NoteTaken', aggregate_id: 'feature/7' }],
    [
      'a key of before the cutover',
      { event_type: 'NoteTaken', payload: { a: [{ mission_key: 1 }] } },
    ],
    ['half a surrogate pair', { event_type: 'NoteTaken', payload: { a: '\ud800' } }],
    ['a time that no calendar has', { event_type: 'NoteTaken', timestamp: '2026-02-30T00:00:00Z' }],
  ])('is never %s', (_, draft) => {
    expect(emitted(draft)).toBeInstanceOf(InputError)
  })
})
